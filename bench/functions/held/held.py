"""Wraps an example's handler as hold.mjs does: after it has answered, holdSeconds pass, or SIGUSR2 comes."""

import signal
import time

from lambda_function import lambda_handler


class _Released(Exception):
    pass


def handler(event, context):
    answer = lambda_handler(event.get("event") or {}, context)
    seconds = event.get("holdSeconds") or 0
    if seconds > 0:
        _hold(seconds)
    return answer


def _hold(seconds):
    previous = signal.getsignal(signal.SIGUSR2)
    try:
        signal.signal(signal.SIGUSR2, _release)
        time.sleep(seconds)
    except _Released:
        pass
    signal.signal(signal.SIGUSR2, previous)


def _release(number, frame):
    raise _Released
