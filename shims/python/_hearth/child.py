"""A forked child's first steps, before any user code runs."""

import os
import sys

from . import confine, files, output, reseed
from .connection import Connection


def become(order, parent):
    """Connects, confines, re-seeds. Returns the connection and the optional confinement steps that failed; what can't be done ends the child."""
    try:
        output.attach(order["logSocket"], order["token"])
        connection = Connection(order["socket"])
        unconfined = confine.take(order["confine"], parent)
        files.reopen()
        reseed.everything()
        if order.get("logStream") is not None:
            os.environ["AWS_LAMBDA_LOG_STREAM_NAME"] = order["logStream"]
        return connection, unconfined
    except Exception as error:  # nobody above could do better than end
        print("hearth: this process could not start: %s: %s" % (type(error).__name__, error), file=sys.stderr)
        output.flush()
        os._exit(1)
