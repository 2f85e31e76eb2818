"""What memory this process holds: the most it ever did, and giving back what it no longer needs."""

import resource
import sys

from . import libc

# What getrusage counts in.
_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024

# Less is not worth the look.
_HEAVY_BYTES = 16 * 1024 * 1024


class Trimmer:
    """Gives back what calls needed and nothing holds: an instance that rests keeps its results, not its workings. The host says when."""

    def __init__(self, forked):
        self._light_bytes = peak_bytes(forked)

    def heavy(self, peak):
        """Whether an answered call left something to give back. `peak` is the most this process ever held: of a light call nothing else is asked."""
        return peak - self._light_bytes >= _HEAVY_BYTES and _held_bytes(peak) - self._light_bytes >= _HEAVY_BYTES

    def trim(self):
        libc.trim()
        held = _held_bytes(0)
        if held - self._light_bytes >= _HEAVY_BYTES:
            self._light_bytes = held  # what is left, it wants to keep


def _held_bytes(unknown):
    """Resident set now; `unknown` where there is no /proc."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return unknown


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
