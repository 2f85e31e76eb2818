"""A process that waits for `fork`: no user code runs; it forks, reaps, and says so."""

import _signal
import gc
import json
import os
import select
import sys
import time

from . import compact, frames, libc, memory

_inherited = []


def available():
    return sys.platform.startswith("linux") and hasattr(os, "fork")


def wait_for_orders(connection, initialised):
    """Serves fork orders for good. Returns only in a child: its order and the pid of the process it was forked from. `initialised`: the children are to be instances."""
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    compact.fill_holes()
    gc.freeze()
    libc.fill_holes()
    if initialised:
        libc.small_pages()  # the children's, too
    waker = _Waker()
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    poller.register(waker.fileno(), select.POLLIN)
    children = set()
    while True:
        ready = [fd for fd, _ in poller.poll()]
        if waker.fileno() in ready:
            waker.drain()
            _reap(connection, children)
        if connection.fileno() in ready:
            connection.receive()
        order = _carry_out(connection, children)
        if order is not None:
            _inherited.append(children)  # to let go of a thousand siblings' numbers would write into the pages they lie in
            waker.close()
            connection.close()
            if collecting:
                gc.enable()
            return order


def _carry_out(connection, children):
    """Forks for every order that has come. None in the parent; in a child its order and the parent's pid."""
    frame = connection.take_pending()
    while frame is not None:
        kind, request, payload = frame
        if kind != frames.FORK:
            raise frames.ProtocolError("frame type %d while waiting for orders" % kind)
        taken_ms = time.monotonic() * 1000
        order = json.loads(payload)
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            connection.send_json(frames.FORK_FAILED, request, {"message": "fork: %s" % error.strerror})
        else:
            if pid == 0:
                order["takenMs"] = taken_ms
                order["forkedMs"] = time.monotonic() * 1000
                return order, parent
            children.add(pid)
            connection.send_json(frames.FORKED, request, {"pid": pid})
        frame = connection.take_pending()
    return None


def _reap(connection, children):
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid not in children:
            continue  # left over from the init phase, or handed to us as subreaper
        children.discard(pid)
        signalled = os.WIFSIGNALED(status)
        code = None if signalled else os.WEXITSTATUS(status)
        signal = os.WTERMSIG(status) if signalled else None
        ended = {"pid": pid, "code": code, "signal": signal, "peakMemoryBytes": memory.bytes_of(usage.ru_maxrss)}
        connection.send_json(frames.CHILD_EXITED, 0, ended)


class _Waker:
    """Makes the end of a child readable on a descriptor."""

    def __init__(self):
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        # Not by way of `signal`, whose enumerations a child would unshare.
        self._previous = _signal.signal(_signal.SIGCHLD, lambda number, frame: None)
        self._previous_fd = _signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        os.write(self._write, b"\0")  # children that ended before we listened

    def fileno(self):
        return self._read

    def drain(self):
        try:
            while os.read(self._read, 4096):
                pass
        except BlockingIOError:
            pass

    def close(self):
        """Gives the signal back to whoever had it."""
        _signal.set_wakeup_fd(self._previous_fd)
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL if self._previous is None else self._previous)
        os.close(self._read)
        os.close(self._write)
