import sys


def lambda_handler(event, context):
    for i in range(event["lines"]):
        sys.stdout.write("%d %s\n" % (i, "x" * event["length"]))
