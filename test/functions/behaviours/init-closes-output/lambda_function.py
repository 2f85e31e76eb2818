# As a library does that makes a daemon of its process.
import os
import stat

for fd in (0, 1, 2):
    os.close(fd)


def lambda_handler(event, context):
    print("printed by the handler")
    os.write(2, b"written by the handler\n")
    return [stat.S_ISSOCK(os.fstat(fd).st_mode) for fd in (0, 1, 2)]
