"""Where what a function prints goes: file descriptors 1 and 2, and the marks between invocations."""

import array
import fcntl
import io
import os
import sys
import termios

from .connection import stream_socket

# A descriptor of our own on the log stream: a function may close or redirect 1 and 2.
_log_fd = -1
_out_queue = array.array("i", [0])


def install():
    """Gives the process text streams that write whole lines, in UTF-8, and never fail to encode."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    sys.stdout = sys.__stdout__ = _line_stream(1)
    sys.stderr = sys.__stderr__ = _line_stream(2)
    keep_duplicate(1)


def attach(path, token, streams=(1, 2)):
    """Makes a log connection of this process's own its stdout and stderr; `streams`: the descriptors that are to be it."""
    log = stream_socket()
    log.connect(path)
    log.sendall(token.encode() + b"\n")
    for fd in streams:
        os.dup2(log.fileno(), fd)
    log.close()
    keep_duplicate(streams[0])


def restore_closed():
    """
    After user code has run in the init phase: makes those of 0, 1 and 2 that it closed anew, and says so. Whatever is opened next would have their
    number: the connection to the host, on which the function would then print, or a client's of its own.
    """
    closed = [fd for fd in (0, 1, 2) if _is_closed(fd)]
    if not closed:
        return
    for fd in closed:
        if fd == 0:
            os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True)  # the lowest that is free
        else:
            os.dup2(_log_fd, fd)
    names = " and ".join(("standard input", "standard output", "standard error")[fd] for fd in closed)
    try:
        os.write(_log_fd, ("hearth: the init phase closed its %s: what is printed goes to the log all the same\n" % names).encode())
    except OSError:
        pass  # nobody reads the log any more


def _is_closed(fd):
    try:
        os.fstat(fd)
    except OSError:
        return True
    return False


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # replaced, closed or broken by the function: its own affair


def mark(token, request_id):
    """Says that what came before belongs to this invocation. False when the host has read all there was: then nothing need be said."""
    flush()
    if _unread() == 0:
        return False
    data = ("\0%s:%s\n" % (token, request_id)).encode()
    try:
        while data:
            data = data[os.write(_log_fd, data) :]
    except OSError:
        pass  # nobody reads the log any more
    return True


def _unread():
    """Bytes of the log stream that the host has not read yet; -1 where that can't be told."""
    try:
        fcntl.ioctl(_log_fd, termios.TIOCOUTQ, _out_queue)
    except OSError:
        return -1
    return _out_queue[0]


def log_fd():
    return _log_fd


def keep_duplicate(stream):
    """Marks go to a duplicate of this descriptor from now on."""
    global _log_fd
    if _log_fd >= 0:
        os.close(_log_fd)
    _log_fd = os.dup(stream)


def _line_stream(fd):
    raw = io.FileIO(fd, "wb", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True)
