"""Keeps together what a child touches. Every object that it looks at has its reference count written, and so unshares the page it lies on;
Python puts new objects into whatever holes others left, so they would lie scattered over all that was ever imported."""

import gc
import importlib
import sys
import types

# What the shim needs of the standard library: imported before the shim itself, which then lies in one place.
_STANDARD = (
    "array collections contextvars ctypes decimal fcntl importlib io json logging queue random resource select selectors "
    "signal socket stat struct termios threading time traceback types"
)

# obmalloc's: blocks of one size lie in pools.
_POOL_BYTES = 16 * 1024
_POOL_HEADER_BYTES = 48
_LARGEST_BYTES = 512
_STEP_BYTES = 16
_BYTES_OVERHEAD = sys.getsizeof(b"")
# Objects that follow each other from the start of a pool on: a pool that nobody has used.
_IN_A_ROW = 8
# A heap with more holes, or an allocator without such pools, is left as it is.
_MOST_OF_A_SIZE = 4_000
_MOST = 12_000

_kept = []


def standard_first():
    """Before the rest of the shim is imported."""
    for name in _STANDARD.split():
        importlib.import_module(name)
    gc.collect()
    fill_holes()


def fill_holes():
    """Takes the free places of pools that are partly used, for good: what is made from now on lies side by side."""
    most = len(_kept) + _MOST
    for size in range(3 * _STEP_BYTES, _LARGEST_BYTES + 1, _STEP_BYTES):
        row = last = 0
        for _ in range(min(_MOST_OF_A_SIZE, most - len(_kept))):
            place = bytes(size - _BYTES_OVERHEAD)
            _kept.append(place)
            at = id(place)
            if at % _POOL_BYTES == _POOL_HEADER_BYTES:
                row = 1
            else:
                row = row + 1 if row and at == last + size else 0
            last = at
            if row == _IN_A_ROW:
                break


def gather(run):
    """Moves together the code of all functions that `run` calls, and of those that Python calls after a fork."""
    codes = set()
    sys.setprofile(lambda frame, event, argument: codes.add(frame.f_code))
    try:
        run()
    finally:
        sys.setprofile(None)
    if not hasattr(types.CodeType, "replace"):
        return  # Python 3.7
    functions = [value for value in gc.get_objects() if type(value) is types.FunctionType]
    fill_holes()
    for function in functions:
        if function.__code__ in codes or "fork" in function.__name__:
            function.__code__ = function.__code__.replace()
