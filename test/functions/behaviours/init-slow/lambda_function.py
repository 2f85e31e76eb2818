import os
import time

time.sleep(int(os.environ["INIT_MS"]) / 1000)


def lambda_handler(event, context):
    return event
