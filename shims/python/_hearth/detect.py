"""Looks at this process after its init phase: what a fork would lose, or two processes would share."""

import os
import socket
import threading
import time

from . import output

# A thread that has been joined is still listed for a moment.
_GRACE_SECONDS = 0.05


def unforkable(connection):
    """Why the process can't be forked, for the function's author, or None."""
    reasons = [reason for reason in (_threads(), _sockets(connection), _children()) if reason]
    return "; ".join(reasons) or None


def _threads():
    until = time.monotonic() + _GRACE_SECONDS
    found = _other_threads()
    while found and time.monotonic() < until:
        time.sleep(0.002)
        found = _other_threads()
    if not found:
        return None
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    shown = ", ".join(sorted(names.get(tid, comm) for tid, comm in found.items())[:5])
    return (
        "init left %s running (%s), which a fork would lose: start threads on first use in the handler, "
        "or set the library's number of threads to 1" % (_count(len(found), "thread"), shown)
    )


def _other_threads():
    """Native id to name, of all but the main thread; those of C libraries included."""
    found = {}
    try:
        for entry in os.listdir("/proc/self/task"):
            if int(entry) != os.getpid():
                found[int(entry)] = _read("/proc/self/task/%s/comm" % entry)
    except OSError:
        for thread in threading.enumerate():
            if thread is not threading.main_thread():
                found[thread.native_id] = thread.name
    return found


def _sockets(connection):
    own = {os.fstat(fd).st_ino for fd in (connection.fileno(), output.log_fd(), 0, 1, 2) if _is_open(fd)}
    found = []
    for entry in _listdir("/proc/self/fd"):
        try:
            target = os.readlink("/proc/self/fd/" + entry)
            if target == "anon_inode:[eventpoll]":
                found.append("an event loop (epoll)")
            elif target.startswith("socket:") and os.fstat(int(entry)).st_ino not in own:
                found.append(_peer(int(entry)))
        except OSError:
            continue  # closed meanwhile: the listing's own descriptor
    if not found:
        return None
    shown = ", ".join(sorted(set(found))[:5])
    return (
        "init left %s open (%s), which all instances would share: connect and make event loops on first use in the handler, "
        "or close them at the end of init" % (_count(len(found), "socket"), shown)
    )


def _peer(fd):
    """Where a socket leads, as far as it says."""
    copy = socket.socket(fileno=os.dup(fd))
    try:
        peer = copy.getpeername()
    except OSError:
        return "listening or not connected"
    finally:
        copy.close()
    return "to %s:%s" % peer[:2] if isinstance(peer, tuple) else "to a Unix socket"


def _children():
    try:
        # Does not wait and reaps nobody; fails when there is no child at all.
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    running = _running_children()
    if ended is not None and not running:
        return None
    shown = ", ".join(sorted(running)[:5]) or "unnamed"
    return "init left %s running (%s): start and end processes in the handler" % (_count(max(1, len(running)), "child process"), shown)


def _running_children():
    names = []
    for entry in _listdir("/proc"):
        if entry.isdigit():
            # pid (comm) state ppid; comm may hold anything, ')' too
            before, _, after = _read("/proc/%s/stat" % entry).rpartition(")")
            fields = after.split()
            if len(fields) > 1 and fields[1] == str(os.getpid()) and fields[0] != "Z":
                names.append(before.partition("(")[2])
    return names


def _count(number, noun):
    plural = noun + ("es" if noun.endswith("s") else "s")
    return "1 %s" % noun if number == 1 else "%d %s" % (number, plural)


def _is_open(fd):
    try:
        os.fstat(fd)
        return True
    except OSError:
        return False


def _listdir(path):
    try:
        return os.listdir(path)
    except OSError:
        return []


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""
