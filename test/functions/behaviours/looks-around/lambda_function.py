import os
import random
import socket


def _field(name):
    with open("/proc/self/status") as file:
        return next(line for line in file if line.startswith(name + ":")).split(":", 1)[1].strip()


def lambda_handler(event, context):
    """Tells what its process can see and do."""
    if event.get("write"):
        with open(event["write"], "w") as file:
            file.write("here")
    return {
        "uid": os.getuid(),
        "capabilities": _field("CapEff"),
        "noNewPrivs": _field("NoNewPrivs"),
        "cpus": _field("Cpus_allowed_list"),
        "session": os.getsid(0) == os.getpid(),
        "hostname": socket.gethostname(),
        "tmp": os.listdir("/tmp"),
        "tmpdir": os.environ.get("TMPDIR"),
        "exists": [os.path.exists(path) for path in event.get("exists", [])],
        "environment": list(os.environ),
        "random": random.random(),
    }
