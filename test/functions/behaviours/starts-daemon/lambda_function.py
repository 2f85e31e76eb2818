import os
import subprocess


def lambda_handler(event, context):
    """Leaves a process that has left its session and its parents; answers with its pid, then ends as it is told."""
    child = subprocess.Popen(["/bin/sh", "-c", 'setsid sh -c "sleep %s & echo \\$!"' % event.get("seconds", 1000)], stdout=subprocess.PIPE)
    pid = int(child.stdout.readline())
    if event.get("exit"):
        os._exit(1)
    return pid
