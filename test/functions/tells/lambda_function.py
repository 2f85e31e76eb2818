import errno
import os
import random
import threading
import time
import uuid

made_at = time.time() * 1000
in_init = [random.random(), str(uuid.uuid4())]
state = {"invocations": 0, "in_flight": 0, "most": 0}
lock = threading.Lock()


def _attempt(path):
    try:
        with open(path, "w"):
            return True
    except OSError as error:
        return errno.errorcode[error.errno]


def _context(context):
    return {
        "functionName": context.function_name,
        "functionVersion": context.function_version,
        "invokedFunctionArn": context.invoked_function_arn,
        "memoryLimitInMB": context.memory_limit_in_mb,
        "awsRequestId": context.aws_request_id,
        "logGroupName": context.log_group_name,
        "logStreamName": context.log_stream_name,
        "left": context.get_remaining_time_in_millis(),
    }


def lambda_handler(event, context):
    """Tells what an instance is, has and may do; sleeps on demand."""
    with lock:
        state["invocations"] += 1
        state["in_flight"] += 1
        state["most"] = max(state["most"], state["in_flight"])
    print("asked for %s" % event.get("ask"))
    if event.get("write"):
        with open(event["write"], "w") as file:
            file.write("mine")
    time.sleep(event.get("ms", 0) / 1000)
    with lock:
        state["in_flight"] -= 1
    return {
        "madeAt": made_at,
        "inInit": in_init,
        "now": [random.random(), str(uuid.uuid4())],
        "pid": os.getpid(),
        "uid": os.getuid(),
        "invocations": state["invocations"],
        "mostInFlight": state["most"],
        "tmp": os.listdir("/tmp"),
        "codeWritable": _attempt(os.environ["LAMBDA_TASK_ROOT"] + "/new"),
        "environment": dict(os.environ) if event.get("ask") == "environment" else None,
        "context": _context(context) if event.get("ask") == "context" else None,
        "text": os.environ.get("TEXT"),
    }
