"""Lambda's error documents for Python."""

import os
import traceback

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


def _document(error_type, message, trace, request_id):
    return {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": trace}


def _text(error):
    try:
        return str(error)
    except Exception as broken:  # a function's exception class may fail at this too
        return "<%s while formatting the message>" % type(broken).__name__
