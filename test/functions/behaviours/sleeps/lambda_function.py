import time


def lambda_handler(event, context):
    time.sleep(event["ms"] / 1000)
    return event
