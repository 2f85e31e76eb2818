"""The confinement steps of a fork order, carried out by the child on itself."""

import os
import resource
import signal

from . import libc, mask, show

_NAMESPACES = {"mount": 0x00020000, "uts": 0x04000000, "ipc": 0x08000000, "user": 0x10000000, "network": 0x40000000}


def _last_capability():
    try:
        with open("/proc/sys/kernel/cap_last_cap") as file:
            return int(file.read())
    except (OSError, ValueError):
        return -1  # no /proc: there is nothing that could be dropped one by one


_LAST_CAPABILITY = _last_capability()  # asked before the first fork


def take(steps, parent):
    """Takes the steps in order; returns those that failed and may, as `op: reason`. Any other failure raises."""
    unconfined = []
    for step in steps:
        try:
            if step["op"] == "deathSignal":
                _death_signal(parent)
            else:
                _STEPS[step["op"]](step)
        except (OSError, ValueError, KeyError) as error:
            reason = "not known to this shim" if isinstance(error, KeyError) else str(getattr(error, "strerror", None) or error)
            if not step.get("optional"):
                raise RuntimeError("confinement step %s: %s" % (step.get("op"), reason))
            unconfined.append("%s: %s" % (step.get("op"), reason))
    return unconfined


def _death_signal(parent):
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before we asked. In a PID namespace of our own it has no number: 0.
    if os.getppid() not in (parent, 0):
        os._exit(0)


def _drop_capabilities(step):
    try:
        libc.prctl(libc.PR_CAP_AMBIENT, libc.PR_CAP_AMBIENT_CLEAR_ALL)
        for capability in range(_LAST_CAPABILITY + 1):
            libc.prctl(libc.PR_CAPBSET_DROP, capability)
    except OSError:
        pass  # without CAP_SETPCAP the bounding set stays; what counts is that nothing is held
    libc.clear_capabilities()


def _unshare(step):
    names = step["namespaces"]
    uid, gid = os.geteuid(), os.getegid()
    flags = 0
    for name in names:
        flags |= _NAMESPACES[name]
    libc.unshare(flags)
    if "user" in names:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", "%d %d 1" % (uid, uid))
        _write("/proc/self/gid_map", "%d %d 1" % (gid, gid))
        if "processes" in step:
            resource.setrlimit(resource.RLIMIT_NPROC, (step["processes"], step["processes"]))
    if "mount" in names:
        libc.mount("none", "/", None, libc.MS_REC | libc.MS_PRIVATE)


def _write(path, text):
    """Without a file object: each part of one that is used is a page that the child shares no longer."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _core(step):
    """First the filter: a core file must never be written with what it would hold otherwise."""
    try:
        _write("/proc/self/coredump_filter", "0")
    except FileNotFoundError:
        pass  # a kernel that writes no core files
    resource.setrlimit(resource.RLIMIT_CORE, (step["bytes"], step["bytes"]))


def _ids(step):
    if os.getgroups():
        os.setgroups([])
    os.setresgid(step["gid"], step["gid"], step["gid"])
    os.setresuid(step["uid"], step["uid"], step["uid"])
    # Changing ids makes /proc/self root's; a user namespace's maps are written there.
    libc.prctl(libc.PR_SET_DUMPABLE, 1)


def _affinity(step):
    cpus = step["cpus"] or range(os.sysconf("SC_NPROCESSORS_CONF"))
    os.sched_setaffinity(0, cpus)


def _environment(step):
    os.environ[step["name"]] = step["value"]


_STEPS = {
    "setsid": lambda step: os.setsid(),
    "subreaper": lambda step: libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1),
    "noNewPrivs": lambda step: libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1),
    "dropCapabilities": _drop_capabilities,
    "unshare": _unshare,
    "mask": mask.cover,
    "show": show.show,
    "hostname": lambda step: libc.sethostname(step["name"]),
    "rlimit": lambda step: resource.setrlimit(step["resource"], (step["soft"], step["hard"])),
    "core": _core,
    "ids": _ids,
    "umask": lambda step: os.umask(step["mask"]),
    "cgroup": lambda step: _write(step["path"], "0"),
    "affinity": _affinity,
    "environment": _environment,
}
