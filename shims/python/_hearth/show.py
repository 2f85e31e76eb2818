"""Shows directories and files under other names, read-only, beside what else lies in a directory."""

import os

from . import libc, mask


def show(step):
    """The directory becomes an empty one in memory to which all that was in it is brought back: nothing is made on the machine itself."""
    target, entries = step["target"], step["entries"]
    links, opened = [], []
    try:
        for name in os.listdir(target):
            path = os.path.join(target, name)
            if name in entries:
                continue
            if os.path.islink(path):
                links.append((path, os.readlink(path)))
            else:
                opened.append((path, os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW), False))
        for name, source in entries.items():
            opened.append((os.path.join(target, name), os.open(source, os.O_PATH | os.O_CLOEXEC), True))
        libc.mount("tmpfs", target, "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, "size=1m,mode=755")
        for path, to in links:
            os.symlink(to, path)
        for path, fd, added in opened:
            mask.bind(path, fd)
            if added:
                mask.read_only(path)
    finally:
        for _, fd, _ in opened:
            os.close(fd)
