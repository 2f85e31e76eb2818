"""Dies when it is told to."""

import os


def lambda_handler(event, context):
    print("called")
    if event.get("die") == "exit":
        os._exit(3)
    if event.get("die") == "throw":
        raise RuntimeError("as it was told to")
    return {}
