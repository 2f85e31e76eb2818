"""Holds STATE_MB of memory from its init phase on: anonymous, or a file that is mapped (as np.memmap and safetensors do), every page of it touched."""

import mmap
import os

SIZE = int(os.environ["STATE_MB"]) * 1_000_000
PIECE = 10_000_000


def _mapped():
    path = "/tmp/state"
    with open(path, "wb") as file:
        for _ in range(SIZE // PIECE):
            file.write(b"\xa5" * PIECE)
    with open(path, "rb") as file:
        mapping = mmap.mmap(file.fileno(), SIZE, access=mmap.ACCESS_READ)
    sum(mapping[at] for at in range(0, SIZE, mmap.PAGESIZE))
    return mapping


state = _mapped() if os.environ.get("STATE_KIND") == "file" else bytearray(b"\xa5") * SIZE


def lambda_handler(event, context):
    return {"bytes": len(state)}
