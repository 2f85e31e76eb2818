"""What comes from the host to a process that serves: invocations in pieces, and leave to send more."""

import json
import struct
import threading
from collections import deque

from . import frames, libc

_CREDIT = struct.Struct(">I")


class Inbox:
    """Reads frames and sorts them. One thread reads; any may wait for credit."""

    def __init__(self, connection, several, trimmer):
        self._connection = connection
        self._several = several
        self.trimmer = trimmer
        self._arriving = {}
        self._ready = deque()
        self._windows = {}
        self._credited = threading.Condition() if several else None

    def next(self):
        """Waits for a whole invocation: (request, header, event)."""
        while not self._ready:
            self._pump()
        return self._ready.popleft()

    def take_window(self, request, wanted):
        """Waits until answer bytes may be sent, and takes at most `wanted` of them."""
        if self._several:
            with self._credited:
                self._credited.wait_for(lambda: self._windows[request] > 0)
                return self._take(request, wanted)
        while self._windows[request] <= 0:
            self._pump()
        return self._take(request, wanted)

    def answered(self, request):
        if not self._several:
            self._windows.pop(request, None)
            return
        with self._credited:
            self._windows.pop(request, None)

    def _take(self, request, wanted):
        taken = min(wanted, self._windows[request])
        self._windows[request] -= taken
        return taken

    def _pump(self):
        kind, request, payload = self._connection.read()
        if kind == frames.CALL:
            self._windows[request] = frames.ANSWER_WINDOW_BYTES
            self._ready.append((request, *frames.decode_call(payload)))
        elif kind == frames.INVOKE:
            self._arriving[request] = (json.loads(payload), bytearray())
            self._windows[request] = frames.ANSWER_WINDOW_BYTES
        elif kind == frames.EVENT:
            self._of(request)[1].extend(payload)
        elif kind == frames.EVENT_END:
            header, event = self._of(request)
            del self._arriving[request]
            if len(event) != header["bytes"]:
                raise frames.ProtocolError("event of %d bytes, announced %d" % (len(event), header["bytes"]))
            self._ready.append((request, header, event))
        elif kind == frames.CREDIT:
            self._credit(request, _CREDIT.unpack(payload)[0])
        elif kind == frames.REST:
            self._rest()
        elif kind != frames.CANCEL:
            raise frames.ProtocolError("frame type %d while serving" % kind)

    def _rest(self):
        """The host gave nothing to do for a while. A call that came right behind goes first: it is in the same read, or was not written yet."""
        if not self._windows and not self._connection.pending():
            libc.trim()
        self._connection.send(frames.encode(frames.RESTED, 0))

    def _credit(self, request, amount):
        if request not in self._windows:
            return  # answered before the host could know
        if not self._several:
            self._windows[request] += amount
            return
        with self._credited:
            if request in self._windows:
                self._windows[request] += amount
                self._credited.notify_all()

    def _of(self, request):
        if request not in self._arriving:
            raise frames.ProtocolError("a piece of the unknown request %d" % request)
        return self._arriving[request]
