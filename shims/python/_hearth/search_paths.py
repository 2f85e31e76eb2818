"""Where a function finds its modules, and where programs that it starts find theirs, and this Python."""

import os
import site
import sys

# Lambda's name for the function's folder, which is not mounted for every function.
_TASK = "/var/task"


def set_up(task_root, dependency_root):
    """The function's folder first, then what was installed for it, then PYTHONPATH with its layers. As on Lambda, their .pth files count."""
    beside = [] if dependency_root is None else [_installed(dependency_root)]
    beside += [_here(entry, task_root) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    own = list(dict.fromkeys([task_root] + beside))
    sys.path[:] = own + [entry for entry in sys.path if entry not in own]
    for folder in own:
        site.addsitedir(folder)
    if beside:
        os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(beside))
    _offer_python()


def _installed(dependency_root):
    folder = os.path.join(dependency_root, "python")
    return folder if os.path.isdir(folder) else dependency_root


def _here(entry, task_root):
    """Absolute, since the function may change its working directory."""
    inside = entry == _TASK or entry.startswith(_TASK + "/")
    return os.path.normpath(task_root + entry[len(_TASK) :] if inside else os.path.join(task_root, entry))


def _offer_python():
    """The machine's own `python3` may be of another version, for which nothing was installed."""
    folder = os.path.dirname(sys.executable)
    path = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    if folder not in path:
        os.environ["PATH"] = os.pathsep.join([folder] + path)
