"""What memory this process holds: the most it ever did, and giving back what it no longer needs."""

import resource
import sys

# What getrusage counts in.
_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024

_open = open  # user code may put another in its place

# Less is not worth the look.
_HEAVY_BYTES = 16 * 1024 * 1024


class Trimmer:
    """Gives back what calls needed and nothing holds: an instance that rests keeps its results, not its workings. The host says when."""

    def __init__(self, forked):
        self._light_bytes = peak_bytes(forked)

    def heavy(self, peak):
        """Whether an answered call left memory that may be given back. `peak` is the most this process ever held: until the first heavy call nothing else is asked."""
        return peak - self._light_bytes >= _HEAVY_BYTES and _held_bytes(peak) - self._light_bytes >= _HEAVY_BYTES



def _held_bytes(unknown):
    """Resident set now; `unknown` where there is no /proc."""
    try:
        with _open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return unknown


def peak_bytes(forked):
    """Peak resident set. A process that was exec'ed has its spawner's peak in getrusage: there the kernel's own mark of this image counts."""
    if not forked:
        try:
            with _open("/proc/self/status", "rb") as status:
                for line in status:
                    if line.startswith(b"VmHWM:"):
                        return int(line.split()[1]) * 1024
        except OSError:
            pass  # no /proc here
    return bytes_of(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def bytes_of(maxrss):
    return maxrss * _UNIT_BYTES
