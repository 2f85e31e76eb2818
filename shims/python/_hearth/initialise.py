"""The init phase: everything outside the handler, once; then whether the process may be forked."""

import os
import time

from . import connections, detect, errors, frames, handler, hooks, invocation, left_files, libraries, logs, loops, modules, native, output, rehearse, reseed, search_paths

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
            function = Function(_load(order["handler"]), max(1, order["concurrency"]))
            loaded = time.perf_counter()
            if order["snapshot"] and order.get("rehearsal") is not None:
                _rehearse(function, order["rehearsal"])
            if hooks.wanted():
                hooks.before_snapshot()
        why = _unforkable(connection) if order["snapshot"] else None
        libraries.restore()  # here, so that instances need not
        function.is_snapshot = why is None and order["snapshot"]
        if function.is_snapshot:
            left_files.remember()
            reseed.everything()  # rehearsed: what a library prepares at its first seeding is not prepared anew in every child
        else:
            _resume()
    except Exception as error:
        _fail(connection, error, start)
    report = {
        "setUpMs": round((entered - start) * 1000, 3),
        "importMs": round(timing.import_ms, 3),
        "userMs": round((loaded - entered) * 1000 - timing.import_ms, 3),
        "slowestModules": timing.slowest(10),
        "unforkable": why,
        "restores": hooks.to_run_after_restore(),
    }
    _done(connection, start, report)
    return function


def restore(connection):
    """In a forked instance: what the function wants done before its first invocation. Says that it is done where the host waits for it."""
    start = time.perf_counter()
    answers = hooks.to_run_after_restore()
    try:
        _resume()
    except Exception as error:
        _fail(connection, error, start)
    if answers:
        user_ms = round((time.perf_counter() - start) * 1000, 3)
        report = {"setUpMs": 0, "importMs": 0, "userMs": user_ms, "slowestModules": [], "unforkable": None, "restores": False}
        _done(connection, start, report)


def _resume():
    loops.take_up()
    if hooks.wanted():
        hooks.after_restore()


def _done(connection, start, report):
    output.flush()
    connection.send_json(frames.INIT_DONE, 0, {"durationMs": round((time.perf_counter() - start) * 1000, 3), **report})


def _enter(order):
    """Environment, module search path and working directory of the function."""
    left = dict(os.environ) if order["wrapped"] else {}
    os.environ.clear()
    os.environ.update({**order["environment"], **left})
    time.tzset()
    libraries.one_thread_each(os.environ)
    logs.install(os.environ)
    hooks.offer()
    if order["snapshot"]:
        detect.baseline()
        left_files.baseline()
    search_paths.set_up(order["taskRoot"], order["dependencyRoot"])
    native.install()
    os.chdir(order["taskRoot"])


def _fail(connection, error, start):
    named = {}
    if isinstance(error, hooks.HookFailed):
        named = {"runtimeErrorType": error.error_type}
        error = error.error
    document = errors.document(error, "")
    logs.error(document)
    output.flush()
    document = errors.fitting(document)
    document.update(named)
    document["durationMs"] = round((time.perf_counter() - start) * 1000, 3)
    connection.send_json(frames.INIT_ERROR, 0, document)
    os._exit(1)


def _load(name):
    try:
        return handler.find(name)
    finally:
        output.restore_closed()


def _rehearse(function, event):
    """What the sample event does wrong is in the log; it costs the function nothing."""
    invocation.run(function, rehearse.header(_REHEARSAL_MS), event.encode())
    logs.enter("", function.concurrency == 1)


def _unforkable(connection):
    """Why not, in words, or None. Looked for last: hooks may have closed what init left open."""
    reseed.find_generators()
    connections.close_idle()
    loops.lay_down()
    return detect.unforkable(connection)
