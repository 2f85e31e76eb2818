'use strict';
// Every C function the shim calls, declared once in the zygote: forked children find them bound and pay nothing.
// libc and libuv are found in the running node binary itself; koffi comes from Hearth's own node_modules.
const { O_NONBLOCK } = require('node:fs').constants;
const koffi = require(process.env.HEARTH_KOFFI || 'koffi');
const { getSystemErrorName } = require('node:util');

const self = koffi.load(null);
const bind = (prototype) => self.func(prototype);

/** A function that not every POSIX system has: bound where it is, refused by name where it is called all the same. A plain start calls none of them. */
function bindIfThere(prototype) {
  try {
    return bind(prototype);
  } catch {
    const name = /(\w+)\(/.exec(prototype)[1];
    return () => {
      throw new Error(`${name}: not on ${process.platform}`);
    };
  }
}

/** Functions with optional arguments take them elsewhere on Apple's arm64. */
function bindVariadic(prototype, type) {
  if (process.platform !== 'darwin') return bind(prototype);
  const call = bind(prototype.replace(/, [^,]+\)$/, ', ...)'));
  return (first, second, argument) => call(first, second, type, argument);
}

koffi.struct('sock_fprog', { len: 'uint16_t', filter: 'const void *' });

/** `syscall` numbers shared by x86-64 and arm64: all were added after Linux unified its tables. */
const SYS = { pidfd_open: 434, close_range: 436, mount_setattr: 442 };
const syscall = bindIfThere('long syscall(long, long, long, long, long, long, long)');
const syscallBuffer = bindIfThere('long syscall(long, long, const char *, long, void *, long, long)');
const copyOut = bind('void *memcpy(void *, uintptr_t, size_t)');
const copyIn = bind('void *memcpy(uintptr_t, const void *, size_t)');
const ioctl = bindVariadic('int ioctl(int, unsigned long, void *)', 'void *');
const getitimer = bindIfThere('int getitimer(int, void *)');
const timer = new BigUint64Array(4);
const SIOCOUTQ = 0x5411; // Linux's
const PR_SET_THP_DISABLE = 41;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_SETFL = 4;
const outQueue = new Int32Array(1);
const defaultLoop = bind('void *uv_default_loop()')();

/** glibc's; others have none, and give back on their own. */
function mallocTrim() {
  try {
    const trim = bind('int malloc_trim(size_t)');
    return () => trim(0);
  } catch {
    return () => 0;
  }
}

/** glibc's heap grows by sbrk(2); where there is another, nothing is taken out of it. */
function bindHeap() {
  try {
    bind('int malloc_trim(size_t)');
    const [malloc, free, sbrk] = ['uintptr_t malloc(size_t)', 'void free(uintptr_t)', 'uintptr_t sbrk(intptr_t)'].map(bind);
    return { malloc, free, end: () => sbrk(0) };
  } catch {
    return null;
  }
}

const native = {
  /** The C library's heap: {malloc, free, end}, addresses as numbers; null where it is not glibc's. */
  heap: bindHeap(),
  fork: bind('int fork()'),
  _exit: bind('void _exit(int)'),
  execvpe: bind('int execvpe(const char *, const char **, const char **)'),
  defaultSignal: (
    (call) => (signal) =>
      call(signal, 0)
  )(bind('uintptr_t signal(int, uintptr_t)')),
  getpid: bind('int getpid()'),
  getppid: bind('int getppid()'),
  wait4: bind('int wait4(int, void *, int, void *)'),
  poll: bind('int poll(void *, unsigned long, int)'),
  socket: bind('int socket(int, int, int)'),
  socketpair: bind('int socketpair(int, int, int, void *)'),
  bind: bind('int bind(int, const void *, unsigned int)'),
  listen: bind('int listen(int, int)'),
  accept: bind('int accept(int, void *, void *)'),
  connect: bind('int connect(int, const void *, unsigned int)'),
  dup2: bind('int dup2(int, int)'),
  dup3: bindIfThere('int dup3(int, int, int)'),
  lseek: bind('long lseek(int, long, int)'),
  fcntl: bindVariadic('int fcntl(int, int, long)', 'long'),
  getrandom: bindIfThere('long getrandom(void *, size_t, unsigned int)'),
  madvise: bindIfThere('int madvise(uintptr_t, size_t, int)'),
  prctl: bindIfThere('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)'),
  prctlFilter: bindIfThere('int prctl(int, unsigned long, sock_fprog *, unsigned long, unsigned long)'),
  setsid: bind('int setsid()'),
  unshare: bindIfThere('int unshare(int)'),
  mount: bindIfThere('int mount(const char *, const char *, const char *, unsigned long, const char *)'),
  sethostname: bindIfThere('int sethostname(const char *, size_t)'),
  setrlimit: bindIfThere('int setrlimit(int, const void *)'),
  setgroups: bindIfThere('int setgroups(size_t, const void *)'),
  setresgid: bindIfThere('int setresgid(unsigned int, unsigned int, unsigned int)'),
  setresuid: bindIfThere('int setresuid(unsigned int, unsigned int, unsigned int)'),
  capset: bindIfThere('int capset(void *, const void *)'),
  sched_setaffinity: bindIfThere('int sched_setaffinity(int, size_t, const void *)'),
  readMemory(address, bytes) {
    const copy = Buffer.alloc(bytes);
    copyOut(copy, address, bytes);
    return copy;
  },
  writeMemory: (address, bytes) => void copyIn(address, bytes, bytes.length),
  /** Bytes of a Unix socket's stream that the peer has not read yet; -1 for what is no socket. */
  unread: (fd) => (process.platform !== 'linux' || ioctl(fd, SIOCOUTQ, outQueue) < 0 ? -1 : outQueue[0]),
  /** Whether an interval timer of setitimer(2) runs: 0 real, 1 virtual, 2 profiling. */
  hasTimer: (which) => getitimer(which, timer) === 0 && timer.some((word) => word !== 0n),
  pidfdOpen: (pid) => Number(syscall(SYS.pidfd_open, pid, 0, 0, 0, 0, 0)),
  closeFrom: (fd) => Number(syscall(SYS.close_range, fd, 0xffffffff, 0, 0, 0, 0)),
  mountSetattr: (path, attributes) => Number(syscallBuffer(SYS.mount_setattr, -100, path, 0, attributes, attributes.length, 0)),
  loopFork: (
    (call) => () =>
      call(defaultLoop)
  )(bind('int uv_loop_fork(void *)')),
  updateTime: (
    (call) => () =>
      call(defaultLoop)
  )(bind('void uv_update_time(void *)')),
  /** Handles that keep the event loop alive; uv_loop_s as below. */
  activeHandles: () => koffi.decode(defaultLoop, 8, 'uint32_t'),
  /** Requests libuv has under way (files, name lookups, native work). uv_loop_s: data, active_handles, handle_queue[2], active_reqs; fixed in libuv 1.x. */
  pendingRequests: () => koffi.decode(defaultLoop, 32, 'uint32_t'),
  /** Gives free memory of the C library's heap back to the kernel. */
  mallocTrim: mallocTrim(),
  errno: () => koffi.errno(),
};

/**
 * From here on memory comes in pages of 4 kB: an instance that needs a little more would take 2 MB, and keep what is left of them. What was there before the
 * fork stays as it is. Holds for programs that it starts, too.
 */
native.smallPages = () => {
  if (process.platform === 'linux') native.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); // an old kernel refuses, and has none
};

/** Undoes it. */
native.largePages = () => {
  if (process.platform === 'linux') native.prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
};

/** Throws what a C function that returned a negative number says, as `name: EPERM`. */
native.check = (name, result) => {
  if (result < 0) throw native.failure(name);
  return result;
};

native.closeOnExec = (fd) => native.check('fcntl', native.fcntl(fd, F_SETFD, FD_CLOEXEC));
native.nonBlocking = (fd) => native.check('fcntl', native.fcntl(fd, F_SETFL, O_NONBLOCK));

native.failure = (name) => {
  const errno = koffi.errno();
  return Object.assign(new Error(`${name}: ${errno > 0 ? getSystemErrorName(-errno) : 'failed'}`), { errno });
};

module.exports = native;
