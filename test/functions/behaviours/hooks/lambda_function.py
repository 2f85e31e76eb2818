import os
import sys
import threading
import time

from snapshot_restore_py import register_after_restore, register_before_snapshot

order = []
mode = os.environ.get("MODE", "")
if mode == "which":
    order.append(sys.modules["snapshot_restore_py"].__file__)
if "thread" in mode:
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()

register_before_snapshot(order.append, "before 1")


@register_before_snapshot
def second():
    if mode == "before-throws":
        raise IndexError("no snapshot of me")
    order.append("before 2")


@register_after_restore
def first():
    if mode == "after-throws":
        raise IndexError("not restored")
    if mode == "after-leaves":
        sys.exit(4)
    if mode == "after-exits":
        os._exit(4)
    if mode == "after-hangs":
        time.sleep(1000)
    order.append("after 1")


register_after_restore(order.append, "after 2")


def lambda_handler(event, context):
    if event.get("note"):
        order.append(event["note"])
    return order
