"""Leaves files in /tmp during init, as a function does that fetches its model there; then reads and changes them."""

import os
import shutil
import stat

os.makedirs("/tmp/model/part")
with open("/tmp/model/part/weights", "w") as weights:
    weights.write("weights")
with open("/tmp/settings", "w") as settings:
    settings.write("settings")
diary = open("/tmp/diary", "a+")
diary.write("init")
diary.flush()
os.symlink("settings", "/tmp/link")


def lambda_handler(event, context):
    def read(name):
        try:
            with open("/tmp/" + name) as file:
                return file.read()
        except OSError as error:
            return os.strerror(error.errno)

    seen = {"names": sorted(os.listdir("/tmp")), "mode": oct(stat.S_IMODE(os.stat("/tmp").st_mode))}
    seen.update({name: read(name) for name in ("model/part/weights", "settings", "link", "diary")})
    if event.get("change"):
        with open("/tmp/settings", "a") as file:
            file.write(" changed")
        diary.write(" changed")
        diary.flush()
        shutil.rmtree("/tmp/model")
        with open("/tmp/own", "w") as file:
            file.write("own")
    return seen
