"""Which library a thread of native code belongs to: the addresses on its stack say who called what it waits in."""

import bisect
import os
import re
import struct
import time

_PATIENCE_SECONDS = 0.5
_STACK_BYTES = 64 * 1024
_LINE = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) ..x. \S+ \S+ \S+ +(/.*)$")
# Whatever runs a thread has frames of these.
_EVERYBODYS = re.compile(r"^(libc|libm|libpthread|libdl|librt|ld-linux.*|libstdc\+\+|libgcc_s|libpython[\d.]*|python[\d.]*|_ctypes\S*|libffi|node)[-.\d]*(\.so[\d.]*)?$")
_PACKAGE = re.compile(r".*/(?:site-packages|dist-packages|node_modules|python)/((?:@[^/]+/)?[^/]+)/")


def libraries(threads):
    """Thread id to library's name; those that can't be told are left out. Waits a little for threads that spin before they wait."""
    mappings = _code()
    found = {}
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        for thread in threads:
            name = found.get(thread) or _of(thread, mappings)
            if name is not None:
                found[thread] = name
        if len(found) == len(threads) or time.monotonic() > until:
            return found
        time.sleep(0.02)


def _of(thread, mappings):
    try:
        with open("/proc/self/task/%d/syscall" % thread) as file:
            stack_pointer = int(file.read().split()[-2], 16)  # "running" has none
        with open("/proc/self/mem", "rb", buffering=0) as memory:
            stack = os.pread(memory.fileno(), _STACK_BYTES, stack_pointer)  # stops where the stack does
    except (OSError, ValueError, IndexError):
        return None
    votes = {}
    starts = [start for start, _, _ in mappings]
    for (address,) in struct.iter_unpack("@N", stack[: len(stack) // 8 * 8]):
        at = bisect.bisect_right(starts, address) - 1
        if at >= 0 and address < mappings[at][1]:
            name = _name(mappings[at][2])
            votes[name] = votes.get(name, 0) + 1
    # Frames leave addresses of earlier calls behind: whose are most are those of the calls that the thread is in. Of equals the innermost.
    return max(votes, key=votes.get) if votes else None


def _code():
    """Mappings of native libraries that are somebody's in particular, by address."""
    found = []
    try:
        with open("/proc/self/maps") as maps:
            for line in maps:
                match = _LINE.match(line)
                if match and not _EVERYBODYS.match(os.path.basename(match.group(3))):
                    found.append((int(match.group(1), 16), int(match.group(2), 16), match.group(3)))
    except OSError:
        pass
    return sorted(found)


def _name(path):
    """`onnxruntime` for .../site-packages/onnxruntime/capi/x.so, `numpy (libopenblas)` for .../numpy.libs/libopenblas-r0.3.so"""
    library = re.sub(r"[-.].*", "", os.path.basename(path))
    match = _PACKAGE.match(path)
    if match is None:
        return library
    package = match.group(1)
    if package.endswith(".libs"):
        return "%s (%s)" % (package[: -len(".libs")], library)
    return package
