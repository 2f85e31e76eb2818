"""One invocation, from its bytes to the bytes of its answer."""

import os
import time

from . import errors, logs, marshal
from .context import LambdaContext


class Answer:
    def __init__(self, error_type, body, handler_ms):
        self.error_type = error_type
        self.body = body
        self.handler_ms = handler_ms


def run(function, header, event):
    """Calls the handler. Raises only what ends the process: SystemExit and its like."""
    alone = function.concurrency == 1
    logs.enter(header["requestId"], alone)
    if alone:
        _set_trace(header.get("traceId", ""))
    start = time.perf_counter()
    error_type = None
    try:
        body = marshal.dump(function.handler(marshal.load(event), LambdaContext(header)))
    except Exception as error:
        document = errors.document(error, header["requestId"])
        error_type = document["errorType"]
        logs.error(document)
        body = marshal.encode(document)
        del error
    return Answer(error_type, body, (time.perf_counter() - start) * 1000)


def _set_trace(trace_id):
    if trace_id:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
