"""Lambda's error documents for Python."""

import json
import os
import traceback

# Most characters of an error's name, which goes with what the host is told of an invocation's end.
_MOST_TYPE = 1_000
# Most that an error document may take of one frame, bytes; the rest is for what is told with it.
_MOST_DOCUMENT_BYTES = 1_000_000
# Characters of the message, and of the trace, of an error document that takes more. Fewer where each of them takes several bytes.
_MOST_CHARACTERS = 256 * 1024

_SHIM = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Fault(Exception):
    """An error that Lambda has a name for."""

    def __init__(self, error_type, message, trace=()):
        super().__init__(message)
        self.error_type = error_type
        self.trace = list(trace)


def document(error, request_id):
    """The document of whatever was raised."""
    if isinstance(error, Fault):
        return _document(error.error_type, str(error), error.trace, request_id)
    return _document(type(error).__name__, _text(error), stack_trace(error), request_id)


def stack_trace(error):
    """All frames but the shim's, outermost first. As on Lambda the import system's are among them, and no carets point into lines."""
    frames = traceback.extract_tb(error.__traceback__)
    return traceback.format_list([(f.filename, f.lineno, f.name, f.line) for f in frames if not f.filename.startswith(_SHIM)])


def fitting(document):
    """An error document that fits into one frame: message and trace are cut where they have to be."""
    message, trace = document["errorMessage"], document["stackTrace"]
    if _fits(document):
        return document
    most = _MOST_CHARACTERS
    while True:
        shorter = dict(document, errorMessage=_cut(message, most), stackTrace=_cut_lines(trace, most))
        if _fits(shorter):
            return shorter
        most //= 2


def _fits(document):
    return len(json.dumps(document)) <= _MOST_DOCUMENT_BYTES


def _cut(text, most):
    return text if len(text) <= most else "%s… (%d characters)" % (text[:most], len(text))


def _cut_lines(lines, most):
    kept = []
    for line in lines:
        if most <= 0:
            break
        kept.append(_cut(line, most))
        most -= len(kept[-1]) + 1
    return kept


def _document(error_type, message, trace, request_id):
    return {"errorMessage": message, "errorType": error_type[:_MOST_TYPE], "requestId": request_id, "stackTrace": trace}


def _text(error):
    try:
        return str(error)
    except Exception as broken:  # a function's exception class may fail at this too
        return "<%s while formatting the message>" % type(broken).__name__
