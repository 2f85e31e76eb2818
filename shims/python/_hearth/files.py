"""Files that the init phase left open. A forked descriptor shares its position with every other instance's: one would read where another has
just sought. So each instance opens them anew, at the position where the snapshot left them."""

import fcntl
import os
import stat

_KEPT = os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK | os.O_SYNC

_open = []
# The directory that each child gets a copy of its own of, where init left something in it.
_copied = None


def is_copied(directory):
    """Before the first fork."""
    global _copied
    _copied = directory


def remember(ours):
    """Before the first fork: which files are open, and where. `ours`: descriptors to leave alone. Returns names of those that can't be opened anew."""
    _open[:] = []
    refused = []
    for entry in os.listdir("/proc/self/fd"):
        fd = int(entry)
        if fd in ours or not _is_file(fd):
            continue
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        if flags & os.O_PATH:
            continue
        try:
            os.close(_again(fd, flags))
        except OSError:
            refused.append(os.readlink("/proc/self/fd/%d" % fd))
            continue
        _open.append((fd, flags, os.readlink("/proc/self/fd/%d" % fd)))
    return refused


def reopen():
    """In each child. Returns the directory to call `reopen_in` with once it has its own copy of that, or None: to ask anybody else would be pages that it
    shares no longer."""
    for fd, flags, _ in _open:
        _replace(fd, _again(fd, flags))
    return _copied


def reopen_in(directory):
    """By their names, those below `directory` that the child has a copy of its own of by now."""
    for fd, flags, name in _open:
        if name.startswith(directory + "/"):
            try:
                _replace(fd, os.open(name, flags & _KEPT | os.O_CLOEXEC))
            except OSError:
                pass  # it has no name any more, or can only be read there: it stays what all instances have


def _replace(fd, own):
    os.lseek(own, os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
    os.dup2(own, fd, inheritable=os.get_inheritable(fd))
    os.close(own)


def _again(fd, flags):
    return os.open("/proc/self/fd/%d" % fd, flags & _KEPT | os.O_CLOEXEC)


def _is_file(fd):
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return False
