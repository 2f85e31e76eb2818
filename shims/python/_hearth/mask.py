"""Covers a directory with an empty tmpfs through which only some paths stay visible; and what init left there, where an instance inherits that."""

import errno
import os
import stat

from . import left_files, libc

_ST_TO_MS = {2: libc.MS_NOSUID, 4: libc.MS_NODEV, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}


def cover(step):
    target = os.path.normpath(step["target"])
    kept = _outermost([os.path.normpath(path) for path in step["keep"]])
    for path in kept:
        if not path.startswith(target.rstrip("/") + "/"):
            raise ValueError("%s is not below %s" % (path, target))
    opened = [(path, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in kept]
    options = "size=%dm,mode=%o" % (step["sizeMb"], step["mode"])
    left = left_files.left_in(target) if step.get("inherits") else None
    old = os.open(target, os.O_PATH | os.O_CLOEXEC) if left else -1
    libc.mount("tmpfs", target, "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, options)
    if left:
        _inherit(target, old, step["mode"], left)
    for path, fd in opened:
        _bring_back(path, fd)


def _inherit(target, old, mode, left):
    """What init left in the directory that `old` holds; read-only where it can't be laid under the new one."""
    try:
        if left_files.overlay(target, old, mode):
            return
        for name in left:
            _show("/proc/self/fd/%d/%s" % (old, name), "%s/%s" % (target, name))
    finally:
        os.close(old)


def _show(path, target):
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
    else:
        _bring_back(target, os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW))


def _bring_back(path, fd):
    """Binds what `fd` holds to `path`, where now nothing is, read-only."""
    try:
        bind(path, fd)
        read_only(path)
    finally:
        os.close(fd)


def bind(path, fd):
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        _make_folders(path)
    else:
        _make_folders(path[: path.rindex("/")])
        os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, 0o444))
    libc.mount("/proc/self/fd/%d" % fd, path, None, libc.MS_BIND | libc.MS_REC)


def _make_folders(path):
    """os.makedirs in one function: each one that a child calls is pages that it shares no longer."""
    end = 0
    while end != len(path):
        end = path.find("/", end + 1)
        if end < 0:
            end = len(path)
        if not os.access(path[:end], os.F_OK):
            os.mkdir(path[:end], 0o755)


def read_only(path):
    try:
        libc.make_read_only(path)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        # What the mount is already denied may not be given back within a user namespace: say it again.
        held = os.statvfs(path).f_flag
        flags = sum(ms for st, ms in _ST_TO_MS.items() if held & st)
        libc.mount("none", path, None, libc.MS_BIND | libc.MS_REMOUNT | libc.MS_RDONLY | flags)


def _outermost(paths):
    kept = []
    for path in sorted(set(paths)):
        if not any(path.startswith(other + "/") for other in kept):
            kept.append(path)
    return kept
