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


def _bound(name, *kinds):
    """A function of libc's as it is to be called, looked up and told its arguments' types here: a child that did either would unshare pages for it."""
    call = getattr(_libc, name, None)
    if call is None:
        return _Missing(name)
    call.argtypes = kinds
    return call


class _Missing:
    def __init__(self, name):
        self.name = name

    def __call__(self, *arguments):
        raise OSError("%s: this Python has no ctypes, or its libc no such function" % self.name)


if ctypes is None:
    _prctl = _unshare = _sethostname = _mount = _mount_setattr = _capset = _Missing("libc")
else:
    _int, _long, _text, _pointer, _size = ctypes.c_int, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t
    _prctl = _bound("prctl", _int, _long, _long, _long, _long)
    _unshare = _bound("unshare", _int)
    _sethostname = _bound("sethostname", _text, _size)
    _mount = _bound("mount", _text, _text, _text, _long, _text)
    _capset = _bound("capset", _pointer, _pointer)
    _mount_setattr = _bound("syscall", ctypes.c_long, _int, _text, ctypes.c_uint, _pointer, _size)
    _ATTRIBUTES = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY, 0, 0, 0)
    _CAPABILITY_HEADER = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _NO_CAPABILITIES = (ctypes.c_uint32 * 6)()
    # What a child is to pass, and not to make.
    _ATTRIBUTES_AT, _ATTRIBUTES_BYTES = ctypes.addressof(_ATTRIBUTES), ctypes.sizeof(_ATTRIBUTES)
    _HEADER_AT, _SETS_AT = ctypes.addressof(_CAPABILITY_HEADER), ctypes.addressof(_NO_CAPABILITIES)
    ctypes.get_errno()  # makes what keeps it
    if hasattr(_libc, "malloc_trim"):
        for _name in ("malloc", "sbrk"):
            getattr(_libc, _name).restype = _pointer
        _libc.malloc.argtypes, _libc.free.argtypes, _libc.sbrk.argtypes = (_size,), (_pointer,), (ctypes.c_ssize_t,)
        _libc.madvise.argtypes = (_pointer, _size, _int)

# What `fill_holes` looks for: pieces of so many bytes, the largest first.
_PIECES = [64 << 10 >> n for n in range(6)] + list(range(1024, 16, -16))
_PIECE_HEADER_BYTES = 16
_PAGE_BYTES = 4096
_MADV_DONTNEED = 4
_MOST_PIECES = 20_000


def trim():
    """Gives free memory of glibc's heap back to the kernel; others have no such call, and give back on their own."""
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)


def small_pages():
    """From here on memory comes in pages of 4 kB: an instance that needs a little more would take 2 MB, and keep what is left of them.

    What was there before the fork stays as it is. Holds for what is forked from this process and for programs that it starts, too.
    """
    _disable_large_pages(1)


def large_pages():
    """Undoes it."""
    _disable_large_pages(0)


def _disable_large_pages(value):
    try:
        prctl(PR_SET_THP_DISABLE, value)
    except (OSError, AttributeError):
        pass  # another system, or an old kernel: it has no others


def fill_holes():
    """Takes the free pieces between what is in use out of glibc's heap, for good: what a child asks for lies side by side at its end. What was in
    them is given back to the kernel, so this costs address space and no memory, nor the time to copy entries for it in each fork."""
    if not hasattr(_libc, "malloc_trim"):
        return
    _libc.malloc_trim(0)
    small_pages()  # a piece of which the first bytes are written must not become 2 MB
    try:
        _take_pieces()
    finally:
        large_pages()


def _take_pieces():
    end = _libc.sbrk(0)
    taken = 0
    for size in _PIECES:
        while taken < _MOST_PIECES:
            at = _libc.malloc(size - _PIECE_HEADER_BYTES)
            if at is None:
                return  # no memory left
            taken += 1
            _give_back(at, size - _PIECE_HEADER_BYTES)
            if at + size >= end:
                _libc.free(at)
                break


def _give_back(at, size):
    """The whole pages of a piece of ours. What has just been added to the heap lies in a page of 2 MB, all of it there."""
    first = -(-at // _PAGE_BYTES) * _PAGE_BYTES
    last = (at + size) // _PAGE_BYTES * _PAGE_BYTES
    if first < last:
        _libc.madvise(first, last - first, _MADV_DONTNEED)


def prctl(option, argument=0, second=0):
    if _prctl(option, argument, second, 0, 0) == -1:
        _fail("prctl")


def unshare(flags):
    if _unshare(flags) == -1:
        _fail("unshare")


def sethostname(name):
    data = name.encode()
    if _sethostname(data, len(data)) == -1:
        _fail("sethostname")


def mount(source, target, kind, flags, options=None):
    if _mount(source.encode(), target.encode(), kind and kind.encode(), flags, options and options.encode()) == -1:
        _fail("mount")


def make_read_only(path):
    """Everything mounted at and below `path`. OSError ENOSYS before Linux 5.12."""
    if _mount_setattr(_SYS_MOUNT_SETATTR, _AT_FDCWD, path.encode(), _AT_RECURSIVE, _ATTRIBUTES_AT, _ATTRIBUTES_BYTES) == -1:
        _fail("mount_setattr")


def clear_capabilities():
    """Effective, permitted and inheritable sets become empty."""
    if _capset(_HEADER_AT, _SETS_AT) == -1:
        _fail("capset")


def _fail(name):
    number = ctypes.get_errno()
    raise OSError(number, "%s: %s" % (name, os.strerror(number)))
