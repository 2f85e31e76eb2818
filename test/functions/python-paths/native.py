"""Opens the native library that the event names."""

import ctypes


def handler(event, context):
    try:
        ctypes.CDLL(event["library"])
    except OSError as error:
        return str(error)
    return "loaded"
