"""The most memory this process ever held."""

import resource
import sys

# What getrusage counts in.
_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


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
