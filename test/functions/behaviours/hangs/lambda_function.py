import time


def lambda_handler(event, context):
    while True:
        time.sleep(1)
