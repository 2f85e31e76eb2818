"""HTTP connections that init has done with but that a pool keeps open for next time (requests, urllib3, boto3): closed before a fork, as their
server might do at any moment; the next request opens another. Those in use stay, and forbid forking."""

import gc
import sys


def close_idle():
    client = sys.modules.get("http.client")
    if client is None:
        return
    kind = client.HTTPConnection
    for connection in [value for value in gc.get_objects() if issubclass(type(value), kind)]:
        if _is_idle(connection):
            connection.close()


def _is_idle(connection):
    """Open, with no request or answer under way."""
    response = getattr(connection, "_HTTPConnection__response", None)
    state = getattr(connection, "_HTTPConnection__state", None)
    return getattr(connection, "sock", None) is not None and state == "Idle" and (response is None or response.isclosed())
