"""SnapStart's hooks: what the function registered with `snapshot_restore_py`, AWS's package or its stand-in."""

import os
import sys

from .errors import Fault, stack_trace

_STAND_INS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "stand_ins")


def offer():
    """Makes the stand-in importable, after everything that the function brings itself."""
    if _STAND_INS not in sys.path:
        sys.path.append(_STAND_INS)


def wanted():
    """As on Lambda, hooks are for versions that are to have a snapshot; where one turned out not to be forkable, they run all the same."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def before_snapshot():
    """Runs the hooks, the last registered first. Raises Fault Runtime.BeforeSnapshotError."""
    calls = _registered("get_before_snapshot")
    while calls:
        _call("Runtime.BeforeSnapshotError", *calls.pop())


def after_restore():
    """Runs the hooks in the order in which they were registered. Raises Fault Runtime.AfterRestoreError."""
    calls = _registered("get_after_restore")
    while calls:
        _call("Runtime.AfterRestoreError", *calls.pop(0))


def to_run_after_restore():
    return wanted() and bool(_registered("get_after_restore"))


def _registered(name):
    get = getattr(sys.modules.get("snapshot_restore_py"), name, None)
    return [] if get is None else get()


def _call(error_type, hook, arguments, named):
    try:
        hook(*arguments, **named)
    except Exception as error:
        text = "%s: %s" % (type(error).__name__, error)
        raise Fault(error_type, text, stack_trace(error)) from error
