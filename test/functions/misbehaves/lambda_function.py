import os
import signal
import subprocess
import sys
import time

held = []


def _throw(event):
    raise ValueError("out of range")


def _forever(event):
    while True:
        time.sleep(1)


def _spin(event):
    while True:
        pass


def _exit(event):
    os._exit(event["code"])


def _sys_exit(event):
    sys.exit(event["code"])


def _kill(event):
    os.kill(os.getpid(), getattr(signal, event["signal"]))
    _forever(event)


def _allocate(event):
    while True:
        held.append(bytearray(b"x" * (4 << 20)))
        time.sleep(0.002)


def _allocate_in_child(event):
    """In a process that it started."""
    code = "import time\nheld = []\nwhile True: held.append(bytearray(b'x' * (4 << 20))); time.sleep(0.002)"
    subprocess.run([sys.executable, "-c", code])


def _flood(event):
    line = "x" * event["length"] + "\n"
    for _ in range(event["lines"]):
        sys.stdout.write(line)


def _not_json(event):
    return {1, 2}


def _circular(event):
    ring = {}
    ring["ring"] = ring
    return ring


def _large(event):
    return "x" * event["bytes"]


def _desert(event):
    """A grandchild that has left its session and its parents."""
    command = 'setsid sh -c "sleep %s & echo there"' % event["marker"]
    child = subprocess.Popen(["/bin/sh", "-c", command], stdout=subprocess.PIPE)
    child.stdout.readline()
    return DEEDS[event["finally"]](event)


def _sleep(event):
    time.sleep(event["ms"] / 1000)
    return "slept"


DEEDS = {
    "throw": _throw,
    "hang": _forever,
    "spin": _spin,
    "exit": _exit,
    "sysExit": _sys_exit,
    "kill": _kill,
    "allocate": _allocate,
    "allocateInChild": _allocate_in_child,
    "flood": _flood,
    "notJson": _not_json,
    "circular": _circular,
    "large": _large,
    "desert": _desert,
    "sleep": _sleep,
    "nothing": lambda event: "nothing",
}


def lambda_handler(event, context):
    """Does what the event says, well or badly."""
    return DEEDS[event["do"]](event)
