"""The process's one connection to the host."""

import _socket
import os
import threading
from collections import deque

from . import frames

_READ_BYTES = 256 * 1024


def stream_socket():
    """A Unix stream socket without the standard library's part in Python, whose code and enumerations a child would unshare for it."""
    return _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)


class Connection:
    """Blocking frames over a Unix stream socket. Any thread may send; one at a time reads."""

    def __init__(self, path):
        self._socket = stream_socket()
        self._socket.connect(path)
        self._decoder = frames.Decoder()
        self._pending = deque()
        self._sending = threading.Lock()

    def fileno(self):
        return self._socket.fileno()

    def close(self):
        self._socket.close()

    def send(self, *encoded):
        """Sends whole frames, in one packet where they are small."""
        data = encoded[0] if len(encoded) == 1 else b"".join(encoded)
        with self._sending:
            try:
                self._socket.sendall(data)
            except (BrokenPipeError, ConnectionResetError):
                leave()

    def send_json(self, kind, request, value):
        self.send(frames.encode_json(kind, request, value))

    def read(self):
        """Waits for the next frame: (type, request, payload). The host gone, the process ends here."""
        while not self._pending:
            self.receive()
        return self._pending.popleft()

    def receive(self):
        """Waits for bytes, once, and cuts them into frames."""
        try:
            data = self._socket.recv(_READ_BYTES)
        except ConnectionResetError:
            data = b""
        if not data:
            leave()
        self._decoder.push(data)
        frame = self._decoder.pop()
        while frame is not None:
            self._pending.append(frame)
            frame = self._decoder.pop()

    def pending(self):
        """Whether a frame has come that nobody has read yet."""
        return bool(self._pending)

    def take_pending(self):
        """The next frame that has already come, or None."""
        return self._pending.popleft() if self._pending else None


def leave():
    """The host has let go of this process, which has nobody left to work for."""
    os._exit(0)
