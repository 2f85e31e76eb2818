"""What a process has open that a fork would share: sockets, pipes, locks, memory."""

import os
import re
import socket

_DEVICES = {"/dev/nvidia": "the GPU (CUDA)", "/dev/kfd": "the GPU (ROCm)", "/dev/dri/": "the GPU"}
_LOCK = re.compile(r"^lock:\s+\d+: (FLOCK|POSIX|OFDLCK)", re.MULTILINE)
_SHARED = re.compile(r"^\S+ .w.s \S+ \S+ \S+ +(.*)$")


class Found:
    """Words for what is open, by kind."""

    def __init__(self):
        self.sockets = []
        self.loops = 0
        self.pipes = 0
        self.locks = []
        self.devices = []
        self.memory = []


def pipes():
    """What the kernel calls the pipes of this process."""
    targets = set()
    for entry in _listdir("/proc/self/fd"):
        try:
            target = os.readlink("/proc/self/fd/" + entry)
        except OSError:
            continue
        if target.startswith("pipe:"):
            targets.add(target)
    return targets


def look(ours, usual_pipes):
    """`ours`: descriptors that are the shim's own; `usual_pipes`: pipes that were there before."""
    found = Found()
    own = {_inode(fd) for fd in ours}
    for entry in _listdir("/proc/self/fd"):
        fd = int(entry)
        try:
            target = os.readlink("/proc/self/fd/" + entry)
            if fd in ours or target in usual_pipes or (target.startswith("socket:") and _inode(fd) in own):
                continue
            _sort(found, fd, target)
        except OSError:
            continue  # closed meanwhile: the listing's own descriptor
    found.memory = shared_memory()
    return found


def _sort(found, fd, target):
    if target == "anon_inode:[eventpoll]":
        found.loops += 1
    elif target.startswith("socket:"):
        found.sockets.append(_peer(fd))
    elif target.startswith("pipe:"):
        found.pipes += 1
    elif target.startswith("/"):
        for prefix, words in _DEVICES.items():
            if target.startswith(prefix):
                found.devices.append(words)
        if _LOCK.search(_read("/proc/self/fdinfo/%d" % fd)):
            found.locks.append(target)


def _peer(fd):
    """Where a socket leads, as far as it says."""
    copy = socket.socket(fileno=os.dup(fd))
    try:
        peer = copy.getpeername()
        return "to %s:%s" % peer[:2] if isinstance(peer, tuple) else "to a Unix socket"
    except OSError:
        return _listener(copy)
    finally:
        copy.close()


def _listener(copy):
    try:
        listening = copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        name = copy.getsockname()
    except OSError:
        return "not connected"
    if not listening:
        return "not connected"
    return "listening on port %d" % name[1] if isinstance(name, tuple) else "listening on a Unix socket"


def shared_memory():
    """Names of what is mapped writable and shared: every instance would see what one writes."""
    names = []
    for line in _read("/proc/self/maps").splitlines():
        match = _SHARED.match(line)
        if match:
            name = match.group(1).replace(" (deleted)", "")
            names.append("anonymous" if name in ("/dev/zero", "") else name)
    return names


def _inode(fd):
    try:
        status = os.fstat(fd)
        return status.st_dev, status.st_ino
    except OSError:
        return None


def _listdir(path):
    try:
        return os.listdir(path)
    except OSError:
        return []


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
