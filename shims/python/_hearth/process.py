"""The life of a shim process: greet, become what the host says, wait for orders or serve."""

import json
import os
import sys

from . import child, confine, forker, frames, hooks, initialise, output, rehearse, serve
from .connection import Connection

RUNTIME = "python/%d.%d.%d" % sys.version_info[:3]


class Identity:
    """Who a process is to the host."""

    def __init__(self, token, unconfined, born):
        self.token = token
        self.forked = born is not None
        self.unconfined = unconfined
        self.born = born


def main():
    output.install()
    token = os.environ.pop("HEARTH_TOKEN")
    log_socket = os.environ.pop("HEARTH_LOG_SOCKET", None)
    if log_socket:
        output.attach(log_socket, token)
    # Only of a process that was not forked. It has one thread yet: what is taken away now, none keeps.
    unconfined = confine.take(json.loads(os.environ.pop("HEARTH_CONFINE", "[]")), os.getppid())
    connection = Connection(os.environ.pop("HEARTH_SOCKET"))
    try:
        live(connection, Identity(token, unconfined, None))
    except frames.ProtocolError as error:
        print("hearth: protocol error: %s" % error, file=sys.stderr)
        output.flush()
        os._exit(1)


def live(connection, identity):
    """Every turn of this loop is another process: what waits for orders comes round as its child."""
    function = None
    while True:
        say_hello(connection, identity)
        if function is not None and not hooks.to_run_after_restore():
            # What else can a snapshot's child be? It gets ready while its greeting is on its way.
            initialise.restore(connection)
            return serve.run(connection, identity, function, lambda: as_instance(connection))
        welcome = welcomed(connection)
        role = welcome["role"]
        if role == "zygote":
            rehearse.loop(say_hello, as_instance)
        elif role == "function":
            function = initialise.run(connection, welcome)
            if not function.is_snapshot:
                return serve.run(connection, identity, function)
        elif role == "instance" and function is not None:
            initialise.restore(connection)
            return serve.run(connection, identity, function)
        else:
            raise frames.ProtocolError("can't become %r" % role)
        order, parent = forker.wait_for_orders(connection, function is not None)
        connection, unconfined, born = child.become(order, parent)
        identity = Identity(order["token"], unconfined, born)


def say_hello(connection, identity):
    connection.send_json(
        frames.HELLO,
        0,
        {
            "protocol": frames.PROTOCOL_VERSION,
            "token": identity.token,
            "pid": os.getpid(),
            "runtime": RUNTIME,
            "capabilities": (["fork"] if forker.available() else []) + ["concurrency"],
            "unconfined": identity.unconfined,
            "born": identity.born,
        },
    )


def as_instance(connection):
    """Waits for the welcome of what is an instance already."""
    role = welcomed(connection)["role"]
    if role != "instance":
        raise frames.ProtocolError("a snapshot's child can't become %r" % role)


def welcomed(connection):
    """Waits for the host's welcome."""
    kind, _, payload = connection.read()
    if kind != frames.WELCOME:
        raise frames.ProtocolError("frame type %d before welcome" % kind)
    welcome = json.loads(payload)
    if welcome.get("protocol") != frames.PROTOCOL_VERSION:
        raise frames.ProtocolError("host speaks version %s, this shim %d" % (welcome.get("protocol"), frames.PROTOCOL_VERSION))
    return welcome
