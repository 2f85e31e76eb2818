"""A forked child's first steps, before any user code runs."""

import os
import sys
import time

from . import confine, files, output, reseed
from .connection import Connection


def _name_after(log_stream):
    """The names that were those of the instance which ran the init phase."""
    before = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")
    os.environ["AWS_LAMBDA_LOG_STREAM_NAME"] = log_stream
    if os.environ.get("PGAPPNAME") == "hearth:" + before[-32:]:  # sessions of PostgreSQL, unless the function names them
        os.environ["PGAPPNAME"] = "hearth:" + log_stream[-32:]


def become(order, parent):
    """Connects, confines, re-seeds. Returns the connection, the optional confinement steps that failed and when it was done; what can't be done ends the child."""
    try:
        output.attach(order["logSocket"], order["token"])
        copied = files.reopen()
        connection = Connection(order["socket"])
        connected_ms = time.monotonic() * 1000
        unconfined = confine.take(order["confine"], parent)
        if copied is not None:
            files.reopen_in(copied)
        confined_ms = time.monotonic() * 1000
        reseed.everything()
        if order.get("logStream") is not None:
            _name_after(order["logStream"])
        born = {
            "takenMs": order["takenMs"],
            "forkedMs": order["forkedMs"],
            "connectedMs": connected_ms,
            "confinedMs": confined_ms,
        }
        return connection, unconfined, born
    except Exception as error:  # nobody above could do better than end
        print("hearth: this process could not start: %s: %s" % (type(error).__name__, error), file=sys.stderr)
        output.flush()
        os._exit(1)
