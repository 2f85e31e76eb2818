"""The init phase: everything outside the handler, once; then whether the process may be forked."""

import os
import sys
import time

from . import detect, errors, frames, handler, invocation, libraries, logs, modules, output, rehearse, reseed

_REHEARSAL_MS = 60_000


class Function:
    """A function ready to be called. `is_snapshot`: the process waits for fork orders, and its children serve."""

    def __init__(self, call, concurrency):
        self.handler = call
        self.concurrency = concurrency
        self.is_snapshot = False


def run(connection, order):
    """Runs the init phase and says how it went. A failure of the function's ends the process."""
    start = time.perf_counter()
    timing = modules.Timing()
    try:
        _enter(order)
        entered = time.perf_counter()
        with timing, libraries.modest():
            call = handler.find(order["handler"])
    except Exception as error:
        _fail(connection, error, start)
    loaded = time.perf_counter()
    function = Function(call, max(1, order["concurrency"]))
    why = _unforkable(connection, order, function)
    function.is_snapshot = why is None and order["snapshot"]
    if function.is_snapshot:
        reseed.everything()  # rehearsed: what a library prepares at its first seeding is not prepared anew in every child
    output.flush()
    done = {
        "durationMs": round((loaded - start) * 1000, 3),
        "setUpMs": round((entered - start) * 1000, 3),
        "importMs": round(timing.import_ms, 3),
        "userMs": round((loaded - entered) * 1000 - timing.import_ms, 3),
        "slowestModules": timing.slowest(10),
        "unforkable": why,
    }
    connection.send_json(frames.INIT_DONE, 0, done)
    return function


def _enter(order):
    """Environment, module search path and working directory of the function."""
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    libraries.one_thread_each(os.environ)
    logs.install(os.environ)
    own = [order["taskRoot"]]
    dependencies = order["dependencyRoot"]
    if dependencies is not None:
        folder = os.path.join(dependencies, "python")
        own.append(folder if os.path.isdir(folder) else dependencies)
    own += [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:0] = own
    os.chdir(order["taskRoot"])


def _fail(connection, error, start):
    document = errors.document(error, "")
    logs.error(document)
    output.flush()
    document["durationMs"] = round((time.perf_counter() - start) * 1000, 3)
    connection.send_json(frames.INIT_ERROR, 0, document)
    os._exit(1)


def _unforkable(connection, order, function):
    if order["snapshot"] and order.get("rehearsal") is not None:
        # What the sample event does wrong is in the log; it costs the function nothing.
        with libraries.modest():
            invocation.run(function, rehearse.header(_REHEARSAL_MS), order["rehearsal"].encode())
        logs.enter("", function.concurrency == 1)
    if order["snapshot"]:
        reseed.find_generators()
    return detect.unforkable(connection)
