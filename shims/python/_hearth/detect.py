"""Looks at this process after its init phase: what a fork would lose, or two processes would share. Each finding says what to change."""

import os
import signal
import threading
import time

from . import culprits, descriptors, files, output

# A thread that has been joined is still listed for a moment.
_GRACE_SECONDS = 0.05
_SHOWN = 5

_THREAD_ADVICE = {
    "onnxruntime": "set intra_op_num_threads = 1 and inter_op_num_threads = 1 in its SessionOptions, or leave them unset",
    "torch": "call torch.set_num_threads(1) before the first use, and load data with num_workers=0",
    "cv2": "call cv2.setNumThreads(1), or leave it alone",
    "libscipy_openblas64_": "set OPENBLAS_NUM_THREADS=1, or leave it unset",
    "libopenblas": "set OPENBLAS_NUM_THREADS=1, or leave it unset",
    "libgomp": "set OMP_NUM_THREADS=1, or leave it unset",
    "libtbb": "limit TBB to one thread",
    "grpc": "make gRPC channels in the handler",
}
_NATIVE_ADVICE = "set its number of threads to 1, or use it first in the handler"
_PYTHON_ADVICE = "start threads on first use in the handler, or end them before init ends"
_RECONNECT = "connect on first use in the handler, or close in a before-snapshot hook and connect again in an after-restore hook"


# Shared mappings and pipes that were there before user code ran.
_usual_memory = []
_usual_pipes = set()


def baseline():
    """Before user code: what is there anyway."""
    _usual_memory[:] = descriptors.shared_memory()
    _usual_pipes.clear()
    _usual_pipes.update(descriptors.pipes())


def unforkable(connection):
    """Why the process can't be forked, for the function's author, or None."""
    if not os.path.isdir("/proc/self/task"):
        return "there is no /proc here, so nobody can tell what init left behind"
    ours = {connection.fileno(), output.log_fd(), 0, 1, 2}
    found = descriptors.look(ours, _usual_pipes)
    looks = (
        _threads(),
        _sockets(found),
        _pipes(found),
        _children(),
        _locks(found),
        _devices(found),
        _memory(found),
        _timers(),
    )
    # Files last, and only where all else is well: to open one a second time and close it again drops the locks on it.
    return "; ".join(reason for reason in looks if reason) or _files(files.remember(ours))


def _threads():
    until = time.monotonic() + _GRACE_SECONDS
    found = _other_threads()
    while found and time.monotonic() < until:
        time.sleep(0.002)
        found = _other_threads()
    if not found:
        return None
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    own = [names[tid] for tid in found if tid in names]
    native = [tid for tid in found if tid not in names]
    by_library = {}
    libraries = culprits.libraries(native)
    for tid in native:
        by_library.setdefault(libraries.get(tid, "native code (%s)" % found[tid]), []).append(tid)
    reasons = []
    if own:
        reasons.append("init left %s running (%s), which a fork would lose: %s" % (_count(len(own), "thread"), _few(own), _PYTHON_ADVICE))
    for library, threads in sorted(by_library.items()):
        advice = _thread_advice(library)
        reasons.append("%s started %s during init, which a fork would lose: %s" % (library, _count(len(threads), "worker thread"), advice))
    return "; ".join(reasons)


def _thread_advice(library):
    """Of a package, or of the library within it that has the threads: `numpy (libopenblas)`."""
    part = library.partition(" (")[2].rstrip(")")
    return _THREAD_ADVICE.get(library) or _THREAD_ADVICE.get(part) or _NATIVE_ADVICE


def _other_threads():
    """Native id to name, of all but the main thread; those of C libraries included."""
    found = {}
    try:
        for entry in os.listdir("/proc/self/task"):
            if int(entry) != os.getpid():
                found[int(entry)] = _read("/proc/self/task/%s/comm" % entry)
    except OSError:
        for thread in threading.enumerate():
            if thread is not threading.main_thread():
                found[thread.native_id] = thread.name
    return found


def _sockets(found):
    reasons = []
    if found.sockets:
        shown = _count(len(found.sockets), "socket"), _few(found.sockets)
        reasons.append("init left %s open (%s), which all instances would share: %s" % (*shown, _RECONNECT))
    if found.loops:
        reasons.append("init left an event loop in use (epoll), which all instances would share: make it on first use in the handler")
    return "; ".join(reasons)


def _pipes(found):
    if not found.pipes:
        return None
    return "init left a pipe open, which all instances would share: open pipes and multiprocessing queues in the handler"


def _locks(found):
    if not found.locks:
        return None
    return "init holds a lock on %s, which an instance would either lose or share: take it in the handler" % _few(found.locks)


def _devices(found):
    if not found.devices:
        return None
    return "init opened %s, which does not survive a fork: use it first in the handler, or keep models on the CPU until then" % _few(found.devices)


def _memory(found):
    names = list(found.memory)
    for usual in _usual_memory:
        if usual in names:
            names.remove(usual)
    if not names:
        return None
    return (
        "init mapped memory that all instances would share and could write to (%s): "
        "make shared memory, multiprocessing locks and writable memory maps in the handler" % _few(names)
    )


def _timers():
    set_timers = [which for which in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF) if signal.getitimer(which)[0] > 0]
    if not set_timers and not _read("/proc/self/timers"):
        return None
    return "init left a timer running (signal.alarm, setitimer or timer_create), which a fork would lose: set it in the handler"


def _files(refused):
    return "init left %s open, which can't be opened again for each instance: open it in the handler" % _few(refused) if refused else None


def _children():
    try:
        # Does not wait and reaps nobody; fails when there is no child at all.
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    running = _running_children()
    if ended is not None and not running:
        return None
    shown = _few(running) or "unnamed"
    return "init left %s running (%s): start and end processes in the handler" % (_count(max(1, len(running)), "child process"), shown)


def _running_children():
    names = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            # pid (comm) state ppid; comm may hold anything, ')' too
            before, _, after = _read("/proc/%s/stat" % entry).rpartition(")")
            fields = after.split()
            if len(fields) > 1 and fields[1] == str(os.getpid()) and fields[0] != "Z":
                names.append(before.partition("(")[2])
    return names


def _few(names):
    return ", ".join(sorted(set(names))[:_SHOWN])


def _count(number, noun):
    plural = noun + ("es" if noun.endswith("s") else "s")
    return "1 %s" % noun if number == 1 else "%d %s" % (number, plural)


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""
