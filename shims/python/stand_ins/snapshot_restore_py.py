"""Stands in for AWS's package of this name, which Lambda's own runtimes bring along: the same functions. One that the function installs comes first."""

__all__ = ["register_before_snapshot", "register_after_restore"]

_before_snapshot = []
_after_restore = []


def register_before_snapshot(func, *args, **kwargs):
    """Has `func` called once when init is over, before instances are forked; the last registered first. Usable as a decorator."""
    _before_snapshot.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    """Has `func` called once in each instance before its first invocation, in the order of registration. Usable as a decorator."""
    _after_restore.append((func, args, kwargs))
    return func


def get_before_snapshot():
    """The registered calls, for the runtime."""
    return _before_snapshot


def get_after_restore():
    """The registered calls, for the runtime."""
    return _after_restore
