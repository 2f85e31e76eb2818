"""The wire protocol between host and shim; src/runtimes/protocol.ts is the law."""

import json
import struct

PROTOCOL_VERSION = 1
MAX_FRAME_BYTES = 1 << 20
BODY_CHUNK_BYTES = 256 * 1024
ANSWER_WINDOW_BYTES = 1 << 20

# Host to shim.
WELCOME = 1
INVOKE = 2
EVENT = 3
EVENT_END = 4
CANCEL = 5
CREDIT = 6
FORK = 7
REST = 8
# Shim to host.
HELLO = 64
INIT_DONE = 65
INIT_ERROR = 66
ANSWER = 67
ANSWER_END = 68
FORKED = 69
FORK_FAILED = 70
CHILD_EXITED = 71
RESTED = 74

FROM_HOST = frozenset((WELCOME, INVOKE, EVENT, EVENT_END, CANCEL, CREDIT, FORK, REST))

# length of what follows | type | request
_HEADER = struct.Struct(">IBI")
_AFTER_LENGTH = _HEADER.size - 4


class ProtocolError(Exception):
    """The host said something that this shim doesn't understand: the process ends."""


def encode(kind, request, payload=b""):
    """One frame as bytes."""
    return _HEADER.pack(_AFTER_LENGTH + len(payload), kind, request) + payload


def encode_json(kind, request, value):
    return encode(kind, request, json.dumps(value).encode())


class Decoder:
    """Cuts a stream of bytes into frames."""

    def __init__(self):
        self._buffer = bytearray()

    def push(self, data):
        self._buffer += data

    def pop(self):
        """The next whole frame as (type, request, payload), or None."""
        buffer = self._buffer
        if len(buffer) < _HEADER.size:
            return None
        length, kind, request = _HEADER.unpack_from(buffer)
        if length < _AFTER_LENGTH or length - _AFTER_LENGTH > MAX_FRAME_BYTES:
            raise ProtocolError("frame of %d bytes" % length)
        if kind not in FROM_HOST:
            raise ProtocolError("unknown frame type %d" % kind)
        end = 4 + length
        if len(buffer) < end:
            return None
        payload = bytes(memoryview(buffer)[_HEADER.size : end])
        del buffer[:end]
        return kind, request, payload
