"""Leaves something behind at the end of init: LEAVES says what."""

import os
import time

NUMBERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "numbers.txt")


def lock():
    import fcntl

    file = open("/tmp/locked", "w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return lambda: "locked" if file else None


def record_lock():
    import fcntl
    import subprocess
    import sys

    file = open("/tmp/locked", "w")
    fcntl.lockf(file, fcntl.LOCK_EX)
    attempt = "import fcntl; fcntl.lockf(open('/tmp/locked', 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)"

    def still_held():
        return file.writable() and subprocess.run([sys.executable, "-c", attempt], stderr=subprocess.DEVNULL, check=False).returncode != 0

    return still_held


def file():
    numbers = open(NUMBERS, "rb", buffering=0)
    numbers.read(4)
    return lambda: numbers.read(4).decode().strip()


def memory():
    import mmap

    shared = mmap.mmap(-1, 4096)
    return lambda: len(shared)


def mapped_file():
    import mmap

    with open(NUMBERS, "rb") as opened:
        mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    return lambda: mapped[:3].decode()


def device():
    opened = os.open(os.environ["DEVICE"], os.O_RDONLY)
    return lambda: opened > 2 and "opened"


def pipe():
    ends = os.pipe()
    return lambda: len(ends)


def alarm():
    import signal

    signal.signal(signal.SIGALRM, lambda number, frame: None)
    signal.setitimer(signal.ITIMER_REAL, 1000)
    return lambda: "alarmed"


def loop():
    import asyncio

    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    fired = []
    made.call_later(0.01, fired.append, 1)

    async def work():
        await asyncio.sleep(0.03)
        await made.run_in_executor(None, time.sleep, 0.001)
        return len(fired)

    made.run_until_complete(asyncio.sleep(0))
    return lambda: made.run_until_complete(work())


def clock():
    def now():
        return [time.time() * 1000, time.monotonic() * 1000, time.perf_counter() * 1000]

    made = now()
    return lambda: {"passed": [after - before for before, after in zip(made, now())], "origin": 0}


handle = globals()[os.environ["LEAVES"]]()


def lambda_handler(event, context):
    return handle()
