"""Looks at what lies where Lambda has it."""

import os
import resource


def _tried(run):
    try:
        return run()
    except OSError as error:
        return os.strerror(error.errno)


def _read(path):
    with open(path) as file:
        return file.read()


def lambda_handler(event, context):
    return {
        "opt": _tried(lambda: _read("/opt/data/word.txt")),
        "task": _tried(lambda: sorted(name for name in os.listdir("/var/task") if name != "__pycache__")),
        "runtime": _tried(lambda: "main.py" in os.listdir("/var/runtime")),
        "rest": os.path.exists("/var/lib"),
        "word": os.environ.get("WORD"),
        "own": os.environ.get("OWN"),
        "taskRoot": os.environ["LAMBDA_TASK_ROOT"],
        "files": str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        "processes": str(resource.getrlimit(resource.RLIMIT_NPROC)[0]),
        "core": [str(resource.getrlimit(resource.RLIMIT_CORE)[0]), _read("/proc/self/coredump_filter")],
    }
