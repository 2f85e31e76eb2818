"""Native libraries of LD_LIBRARY_PATH: a function's own `lib`, those of its layers. The system's loader reads that variable when a program begins, which
for a process that is forked was before anybody knew the function; so what it does not find is looked for here, and loaded by its path."""

import ctypes
import os
import re
from importlib import machinery

_MISSING = re.compile(r"([^\s:/]+): cannot open shared object file")

_dlopen = ctypes._dlopen


def install():
    """For modules that are imported and libraries that ctypes opens from now on."""
    create_module = machinery.ExtensionFileLoader.create_module
    machinery.ExtensionFileLoader.create_module = lambda self, spec: _with_missing(lambda: create_module(self, spec), set())
    ctypes._dlopen = _open


def _open(name, mode):
    try:
        return _dlopen(name, mode)
    except OSError as error:
        path = _found(error)
        own = path is not None and os.path.basename(path) == name
        return _with_missing(lambda: _dlopen(path if own else name, mode), set())


def _with_missing(load, tried):
    """Loads first what the loader says is missing, and what that misses in turn. A library is known by its name once it is loaded."""
    while True:
        try:
            return load()
        except (ImportError, OSError) as error:
            path = _found(error)
            if path is None or path in tried:
                raise
        tried.add(path)
        _with_missing(lambda: _dlopen(path, ctypes.DEFAULT_MODE), tried)


def _found(error):
    """Where the library lies that the error says is missing, or None."""
    missing = _MISSING.match(str(error))
    if missing is None:
        return None
    paths = (os.path.join(folder, missing.group(1)) for folder in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if folder)
    return next(filter(os.path.isfile, paths), None)
