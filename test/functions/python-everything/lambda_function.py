"""Does what the event says."""

import collections
import decimal
import logging
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid

made_in_init = random.random()
generator = random.Random()
calls = 0
logging.getLogger().setLevel("INFO")
# So that a libuuid clock sequence exists before the fork.
uuid.uuid1()


class Unprintable:
    pass


class Custom(Exception):
    pass


def lambda_handler(event, context):
    return globals()[event["do"]](event, context)


def echo(event, context):
    return event


def who(event, context):
    global calls
    calls += 1
    with tempfile.NamedTemporaryFile() as file:
        name = os.path.basename(file.name)
    return {
        "pid": os.getpid(),
        "random": random.random(),
        "own_generator": generator.random(),
        "uuid1": str(uuid.uuid1()),
        "uuid4": str(uuid.uuid4()),
        "tempfile": name,
        "made_in_init": made_in_init,
        "calls": calls,
    }


def describe(event, context):
    return {
        "request": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "name": context.function_name,
        "version": context.function_version,
        "memory": context.memory_limit_in_mb,
        "group": context.log_group_name,
        "stream": context.log_stream_name,
        "remaining": context.get_remaining_time_in_millis(),
        "identity": context.identity.cognito_identity_id,
        "custom": context.client_context and context.client_context.custom,
        "app": context.client_context and context.client_context.client and context.client_context.client.app_title,
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
        "cwd": os.getcwd(),
        "path": sys.path[0],
        "environment": dict(os.environ),
        "threads": threading.active_count(),
    }


def clock_set(event, context):
    """What is left of its time before the clock on the wall is set on by an hour, and then."""
    now = time.time
    before = context.get_remaining_time_in_millis()
    time.time = lambda: now() + 3600
    try:
        return {"before": before, "after": context.get_remaining_time_in_millis()}
    finally:
        time.time = now


def show(event, context):
    return repr(context)


def log_own_level(event, context):
    logging.log(35, "noticed")


def fail(event, context):
    raise Custom("this went wrong")


def unprintable(event, context):
    return Unprintable()


def decimals(event, context):
    return [decimal.Decimal("3"), decimal.Decimal("1.5"), decimal.Decimal("12345678901234567890")]


Point = collections.namedtuple("Point", "x y")


def particular(event, context):
    """What the standard library has other ideas of than Lambda's runtime."""
    return {
        "price": decimal.Decimal("1.10"),
        "exact": [decimal.Decimal("0.12345678901234567890123"), decimal.Decimal("1E+3"), decimal.Decimal("NaN")],
        "points": [Point(1, (2, Point(decimal.Decimal("3.0"), b"four")))],
        b"bytes": b"text",
    }


def circular(event, context):
    circle = [Point(1, [])]
    circle[0].y.append(circle)
    return circle


def format_own(event, context):
    handler = logging.getLogger().handlers[0]
    usual = handler.formatter
    handler.setFormatter(logging.Formatter("%(levelname)s %(asctime)s %(aws_request_id)s %(message)s", "%H:%M"))
    logging.info("formatted")
    handler.setFormatter(usual)
    return time.strftime("%H:%M", time.gmtime())


def close_output(event, context):
    sys.stdout.close()
    raise Custom("without a word")


def surrogate(event, context):
    return "\ud800"


def raw(event, context):
    return b"\x00\xff"


def talk(event, context):
    print("printed")
    print("without end", end="")
    sys.stderr.write("to stderr\n")
    subprocess.run(["echo", "from a child"], check=True)
    logging.info("logged\nin two lines")
    os.close(1)
    os.open(os.devnull, os.O_WRONLY)


def leave(event, context):
    print("leaving")
    sys.exit(event["code"])


def leave_hard(event, context):
    os._exit(event["code"])


def big(event, context):
    return "x" * event["bytes"]


def allocate(event, context):
    block = bytearray(event["bytes"])
    for i in range(0, len(block), 4096):
        block[i] = 1
    return len(block)


barrier = threading.Barrier(4)


def together(event, context):
    """Only returns when four run at once."""
    barrier.wait(20)
    logging.info("request is %s", context.aws_request_id)
    return threading.current_thread().name


def leftover(event, context):
    subprocess.Popen(["sleep", "0.01"])
    time.sleep(0.05)
    return "ok"


def status(event, context):
    with open("/proc/self/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def listing(event, context):
    return sorted(os.listdir(event["path"]))


def write(event, context):
    with open(event["path"], "w") as file:
        file.write("x")


async def asynchronous(event, context):
    return 1
