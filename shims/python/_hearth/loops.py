"""asyncio's event loops that the init phase made. A loop watches its descriptors through one epoll instance, which forked processes would
share; a loop that rests is laid down before the fork and taken up again in each process, timers and all."""

import gc
import selectors
import sys

_resting = []


def lay_down():
    """Closes what a resting loop has open. One that runs, or watches sockets of its own, stays as it is: it is found and forbids the fork."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return
    kind = asyncio.SelectorEventLoop
    for loop in [value for value in gc.get_objects() if issubclass(type(value), kind)]:
        if loop.is_closed() or loop.is_running() or not _rests(loop):
            continue
        loop._close_self_pipe()
        loop._selector.close()
        _resting.append(loop)


def take_up():
    """Gives each such loop a selector of this process's own."""
    while _resting:
        loop = _resting.pop()
        loop._selector = selectors.DefaultSelector()
        loop._make_self_pipe()


def _rests(loop):
    """Whether it watches nothing but its own waker. A loop of another age has other insides, and is left alone."""
    try:
        watched = list(loop._selector.get_map().values())
        return [key.fd for key in watched] == [loop._ssock.fileno()] and type(loop._selector) is selectors.DefaultSelector
    except (AttributeError, RuntimeError):
        return False
