"""What memory this process holds: the most it ever did, and giving back what it no longer needs."""

import resource
import select
import sys

from . import libc

# What getrusage counts in.
_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024

# A call that needed less is not worth the look.
_HEAVY_BYTES = 16 * 1024 * 1024
# After the last answer: a next call that comes at once finds everything as it was. Less than the host takes to stop an idle instance.
_AFTER_MS = 3


class Trimmer:
    """Gives back what a call needed and no longer holds: an instance that rests keeps its results, not its workings."""

    def __init__(self, connection, forked):
        self._light_bytes = peak_bytes(forked)
        self._poller = select.poll()
        self._poller.register(connection.fileno(), select.POLLIN)

    def answered(self, peak):
        """A call was answered; `peak` is the most this process ever held."""
        if peak - self._light_bytes >= _HEAVY_BYTES and not self._poller.poll(_AFTER_MS):
            libc.trim()


def peak_bytes(forked):
    """Peak resident set. A process that was exec'ed has its spawner's peak in getrusage: there the kernel's own mark of this image counts."""
    if not forked:
        try:
            with open("/proc/self/status", "rb") as status:
                for line in status:
                    if line.startswith(b"VmHWM:"):
                        return int(line.split()[1]) * 1024
        except OSError:
            pass  # no /proc here
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT_BYTES
