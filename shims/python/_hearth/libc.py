"""System calls that Python's standard library lacks, prepared before the first fork."""

import os

try:
    import ctypes

    _libc = ctypes.CDLL(None, use_errno=True)
except (ImportError, OSError):  # built without libffi: confinement steps that need it fail by name
    ctypes = None
    _libc = None

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_SET_THP_DISABLE = 41
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

_SYS_MOUNT_SETATTR = 442  # the same on every architecture
_MOUNT_ATTR_RDONLY = 1
_AT_RECURSIVE = 0x8000
_AT_FDCWD = -100
_CAPABILITY_VERSION_3 = 0x20080522


def trim():
    """Gives free memory of glibc's heap back to the kernel; others have no such call, and give back on their own."""
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)


def small_pages():
    """From here on memory comes in pages of 4 kB: an instance that needs a little more would take 2 MB, and keep what is left of them.

    What was there before the fork stays as it is. Holds for programs that it starts, too.
    """
    try:
        prctl(PR_SET_THP_DISABLE, 1)
    except (OSError, AttributeError):
        pass  # another system, or an old kernel: it has no others


def prctl(option, argument=0, second=0):
    _call("prctl", option, *[ctypes.c_ulong(a) for a in (argument, second, 0, 0)])


def unshare(flags):
    _call("unshare", flags)


def sethostname(name):
    data = name.encode()
    _call("sethostname", data, ctypes.c_size_t(len(data)))


def mount(source, target, kind, flags, options=None):
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, options)]
    _call("mount", encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])


def make_read_only(path):
    """Everything mounted at and below `path`. OSError ENOSYS before Linux 5.12."""
    attributes = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    number = ctypes.c_long(_SYS_MOUNT_SETATTR)
    _call("syscall", number, ctypes.c_int(_AT_FDCWD), os.fsencode(path), ctypes.c_uint(_AT_RECURSIVE), ctypes.byref(attributes), size)


def clear_capabilities():
    """Effective, permitted and inheritable sets become empty."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    _call("capset", ctypes.byref(header), ctypes.byref(sets))


def _call(name, *arguments):
    if _libc is None:
        raise OSError("%s: this Python has no ctypes" % name)
    if getattr(_libc, name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (name, os.strerror(number)))
