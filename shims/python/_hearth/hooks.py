"""SnapStart's hooks: what the function registered with `snapshot_restore_py`, AWS's package or its stand-in."""

import os
import sys

_STAND_INS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "stand_ins")


class HookFailed(Exception):
    """A hook raised. `error_type`: Lambda's name for that; `error`: what was raised, which is what the caller gets."""

    def __init__(self, error_type, error):
        super().__init__(error_type)
        self.error_type = error_type
        self.error = error


def offer():
    """Makes the stand-in importable, after everything that the function brings itself."""
    if _STAND_INS not in sys.path:
        sys.path.append(_STAND_INS)


def wanted():
    """As on Lambda, hooks are for versions that are to have a snapshot; where one turned out not to be forkable, they run all the same."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def before_snapshot():
    """Runs the hooks, the last registered first. Raises HookFailed Runtime.BeforeSnapshotError."""
    calls = _registered("get_before_snapshot")
    while calls:
        _call("Runtime.BeforeSnapshotError", *calls.pop())


def after_restore():
    """Runs the hooks in the order in which they were registered. Raises HookFailed Runtime.AfterRestoreError."""
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
    except BaseException as error:  # sys.exit, too: as AWS's runtime has it
        raise HookFailed(error_type, error) from error
