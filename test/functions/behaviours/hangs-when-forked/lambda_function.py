"""What a lock held by nobody does to a child: it never gets as far as its greeting."""

import os
import time


def hang():
    if os.environ.get("ONCE"):
        try:
            os.mkdir("/tmp/hung")  # still the parent's /tmp
        except FileExistsError:
            return
    time.sleep(1000)


os.register_at_fork(after_in_child=hang)


def lambda_handler(event, context):
    return event
