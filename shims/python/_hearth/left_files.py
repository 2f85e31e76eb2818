"""What the init phase has put into /tmp (a model, a program, a cache): each instance finds it there, and has its own copy as soon as it changes it."""

import os

from . import files, libc

_DIRECTORY = "/tmp"

_before = set()
_left = []


def baseline():
    """Before user code: what is there anyway."""
    _before.clear()
    _before.update(_names())


def remember():
    """Before the first fork."""
    _left[:] = [name for name in _names() if name not in _before]
    files.is_copied(_DIRECTORY if _left else None)


def left_in(directory):
    """Names of what init left in a directory."""
    return _left if directory == _DIRECTORY else []


def overlay(target, old, mode):
    """Lays the new, empty file system of `target` over the directory that was there, which `old` holds open. False where the system does not let it: Linux
    before 5.11, or where something is mounted within that directory."""
    upper, work = target + "/upper", target + "/work"
    os.mkdir(upper)
    os.chmod(upper, mode)
    os.mkdir(work)
    layers = "lowerdir=/proc/self/fd/%d,upperdir=%s,workdir=%s" % (old, upper, work)
    # Without attributes of users (Linux before 6.6, in memory) all works but to remove a directory of init's.
    for options in ("userxattr," + layers, layers):
        try:
            libc.mount("overlay", target, "overlay", libc.MS_NOSUID | libc.MS_NODEV, options)
            return True
        except OSError:
            pass
    _remove(work)
    _remove(upper)
    return False


def _remove(directory):
    """An attempt may have left an empty directory in one."""
    for name in os.listdir(directory):
        os.rmdir(directory + "/" + name)
    os.rmdir(directory)


def _names():
    try:
        return os.listdir(_DIRECTORY)
    except OSError:
        return []  # the function's own doing
