"""The wire protocol between host and shim; src/runtimes/protocol.ts is the law."""

import json
import struct

PROTOCOL_VERSION = 2
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
CALL = 9
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
RETURNED = 75

FROM_HOST = frozenset((WELCOME, INVOKE, EVENT, EVENT_END, CANCEL, CREDIT, FORK, REST, CALL))

# length of what follows | type | request
_HEADER = struct.Struct(">IBI")
_AFTER_LENGTH = _HEADER.size - 4

# src/runtimes/call-frames.ts. deadline | bytes of the request id | bytes of the ARN
_CALL = struct.Struct(">dBH")
# flags | handler, ms | peak, bytes
_RETURNED = struct.Struct(">Bdd")
_MARKED = 1
_HEAVY = 2


class ProtocolError(Exception):
    """The host said something that this shim doesn't understand: the process ends."""


def encode(kind, request, payload=b""):
    """One frame as bytes."""
    return _HEADER.pack(_AFTER_LENGTH + len(payload), kind, request) + payload


def encode_json(kind, request, value):
    return encode(kind, request, json.dumps(value).encode())


def decode_call(payload):
    """The header and the event of a `call`."""
    deadline, id_bytes, arn_bytes = _CALL.unpack_from(payload)
    id_end = _CALL.size + id_bytes
    arn_end = id_end + arn_bytes
    request_id, arn = payload[_CALL.size : id_end].decode("ascii"), payload[id_end:arn_end].decode("ascii")
    return {"requestId": request_id, "deadlineMs": deadline, "invokedArn": arn, "bytes": len(payload) - arn_end}, payload[arn_end:]


def encode_call(request, header, event):
    """A `call` as the host sends it."""
    request_id, arn = header["requestId"].encode("ascii"), header["invokedArn"].encode("ascii")
    return encode(CALL, request, _CALL.pack(header["deadlineMs"], len(request_id), len(arn)) + request_id + arn + event)


def encode_returned(request, answer, figures):
    """An answer of no error, and how it ended: `figures` are handler_ms, peak_bytes, marked, heavy."""
    handler_ms, peak_bytes, marked, heavy = figures
    flags = (_MARKED if marked else 0) | (_HEAVY if heavy else 0)
    return b"".join((_HEADER.pack(_AFTER_LENGTH + _RETURNED.size + len(answer), RETURNED, request), _RETURNED.pack(flags, handler_ms, peak_bytes), answer))


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
