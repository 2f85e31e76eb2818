"""Runs the shim's own loop once where it is shared: what is made and cached before the fork is neither made nor copied after it."""

import time

from . import errors, frames, invocation, logs, marshal
from .context import LambdaContext


class _Sample:
    concurrency = 1

    @staticmethod
    def handler(event, context):
        context.get_remaining_time_in_millis()
        return event


def loop():
    decoder = frames.Decoder()
    decoder.push(frames.encode(frames.EVENT, 1, b"{}"))
    decoder.pop()
    invocation.run(_Sample, header(1000), b'{"a": [1, 2.5, "b", null]}')
    frames.encode_json(frames.ANSWER_END, 1, {"errorType": None})
    try:
        raise ValueError("rehearsal")
    except ValueError as error:
        marshal.encode(errors.document(error, ""))
    LambdaContext(header(1000))
    logs.enter("", True)


def header(milliseconds):
    """Of an invocation that nobody asked for."""
    return {
        "requestId": "00000000-0000-0000-0000-000000000000",
        "deadlineMs": time.time() * 1000 + milliseconds,
        "invokedArn": "",
        "traceId": "",
        "clientContext": "",
    }
