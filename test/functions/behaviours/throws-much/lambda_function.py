"""Raises an error with a very long message, whose class has a very long name: as its module is loaded when the environment says so, else from its handler."""

import os

MUCH = 3_000_000


def much(text):
    return type("Much" * (MUCH // 4), (Exception,), {})(text * (MUCH // len(text)))


if "TEXT" in os.environ:
    raise much(os.environ["TEXT"])


def lambda_handler(event, _context):
    raise much(event["text"])
