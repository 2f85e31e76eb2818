"""Runs a child's own way once where it is shared: what is made, looked up and cached before the fork is neither made nor copied after it."""

import os
import resource
import socket
import time

from . import compact, confine, errors, frames, hooks, logs, marshal, output, reseed, serve
from .connection import Connection

# As often as Python wants to see a function run before it fits its code to what it meets.
_ROUNDS = 10


class _Sample:
    concurrency = 1

    @staticmethod
    def handler(event, context):
        context.get_remaining_time_in_millis()
        return event


class _Nobody:
    token = "rehearsal"
    forked = True
    unconfined = ()
    born = None


def loop(say_hello, as_instance):
    """`say_hello(connection, identity)` and `as_instance(connection)` are the shim's own."""
    compact.gather(lambda: birth(say_hello, as_instance))
    for _ in range(_ROUNDS):
        birth(say_hello, as_instance)
    try:
        raise ValueError("rehearsal")
    except ValueError as error:
        marshal.encode(errors.document(error, ""))


def birth(say_hello, as_instance):
    """What a child does from its fork to the end of its first invocation, against a host of its own; only what could not be undone is left out."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind("\0hearth-rehearsal-%d-%d" % (os.getpid(), time.monotonic_ns()))
        listener.listen(2)
        path = listener.getsockname().decode()
        spare = os.dup(output.log_fd())
        output.attach(path, _Nobody.token, (spare,))
        os.close(spare)
        connection = Connection(path)
        logged, host = listener.accept()[0], listener.accept()[0]
    confine.take(_harmless(), os.getppid())
    reseed.everything()
    host.sendall(_conversation())
    say_hello(connection, _Nobody)
    hooks.to_run_after_restore()
    serve.once(connection, _Nobody, _Sample, lambda: as_instance(connection))
    logs.enter("", True)
    output.keep_duplicate(1)
    for end in (connection, logged, host):
        end.close()


def _harmless():
    """Steps that change nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    return [{"op": "rlimit", "resource": resource.RLIMIT_CORE, "soft": soft, "hard": hard}, {"op": "rehearsal", "optional": True}]


def _conversation():
    event = b'{"a": [1, 2.5, "b", null]}'
    return b"".join(
        (
            frames.encode_json(frames.WELCOME, 0, {"protocol": frames.PROTOCOL_VERSION, "role": "instance"}),
            frames.encode_call(1, header(1000), event),
        )
    )


def header(milliseconds):
    """Of an invocation that nobody asked for."""
    return {
        "requestId": "00000000-0000-0000-0000-000000000000",
        "deadlineMs": time.time() * 1000 + milliseconds,
        "invokedArn": "",
        "traceId": "",
        "clientContext": "",
    }
