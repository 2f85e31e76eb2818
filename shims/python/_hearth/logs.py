"""The root logger as Lambda sets it up, and the request that a line belongs to."""

import contextvars
import json
import logging
import sys
import time
import traceback

_NO_BREAK_SPACE = "\u00a0"

# Set by a worker thread; where one invocation runs at a time, threads of the function's own must see it too.
_in_context = contextvars.ContextVar("hearth_request_id", default=None)
_in_process = ""
_as_json = False


def enter(request_id, alone):
    """From now on lines belong to this request; `alone`: whichever thread writes them."""
    global _in_process
    if alone:
        _in_process = request_id
    else:
        _in_context.set(request_id)


def request_id():
    return _in_context.get() or _in_process


def install(environment):
    """Puts Lambda's handler on the root logger; format and level as AWS_LAMBDA_LOG_FORMAT and _LEVEL say."""
    global _as_json
    _as_json = as_json = environment.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    level = environment.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    logging.Formatter.converter = time.gmtime  # whatever the function's own time zone
    handler = _Handler()
    handler.addFilter(_name_request)
    handler.setFormatter(_JsonFormatter() if as_json else _TextFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    level = {"TRACE": "DEBUG", "FATAL": "CRITICAL", "WARN": "WARNING"}.get(level, level)
    if level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        root.setLevel(level)
    elif as_json:
        root.setLevel("INFO")


def error(document):
    """Logs an error document the way Lambda's runtime does: one line, its parts kept apart by carriage returns, or JSON."""
    try:
        print(_json_line(document) if _as_json else _text_line(document))
    except (AttributeError, OSError, ValueError):
        pass  # the function has closed or replaced its output: its caller gets the document all the same


def _json_line(document):
    return json.dumps({"timestamp": _seconds(time.time()), "log_level": "ERROR", **document}, default=str, ensure_ascii=False)


def _text_line(document):
    lines = ["[ERROR] %s: %s" % (document["errorType"], document["errorMessage"])]
    lines.append("Traceback (most recent call last):")
    for element in document["stackTrace"]:
        for line in element.splitlines():
            text = line.lstrip(" ")
            lines.append(_NO_BREAK_SPACE * (len(line) - len(text)) + text)
    return "\r".join(lines).replace("\n", "\r")


def _name_request(record):
    """For whatever formatter the function gives the handler: AWS's documentation shows them with the id."""
    record.aws_request_id = request_id()
    return True


class _Handler(logging.Handler):
    """Writes to what is sys.stdout at that moment, one line a record."""

    def emit(self, record):
        try:
            sys.stdout.write(self.format(record).replace("\n", "\r") + "\n")
        except Exception:  # logging's own way with a handler's failures
            self.handleError(record)


def _now(created):
    return "%s.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(created)), int(created * 1000) % 1000)


class _TextFormatter(logging.Formatter):
    def __init__(self):
        super().__init__("[%(levelname)s]\t%(utc)s\t%(aws_request_id)s\t%(message)s")

    def format(self, record):
        record.utc = _now(record.created)
        return super().format(record)


# What a record has of its own: all else on it was given as `extra`, and is shown.
_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "utc", "aws_request_id", "taskName"}


def _seconds(moment):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


class _JsonFormatter(logging.Formatter):
    """The members of AWS's runtime interface client for Python, in its order. A level of the function's own is shown as the one that it is at least."""

    def format(self, record):
        kind, value, trace = record.exc_info or (None, None, None)
        fields = {
            "timestamp": _seconds(record.created),
            "level": logging.getLevelName(min(logging.CRITICAL, max(logging.NOTSET, record.levelno)) // 10 * 10),
            "message": record.getMessage(),
            "logger": record.name,
            "stackTrace": traceback.format_tb(trace) if kind else None,
            "errorType": kind.__name__ if kind else None,
            "errorMessage": str(value) if kind else None,
            "requestId": request_id() or None,
            "location": "%s:%s:%s" % (record.pathname, record.funcName, record.lineno) if kind else None,
        }
        for name, value in vars(record).items():
            if name not in _OWN_FIELDS and name not in fields:
                fields[name] = value
        return json.dumps({name: value for name, value in fields.items() if value is not None}, default=str, ensure_ascii=False)
