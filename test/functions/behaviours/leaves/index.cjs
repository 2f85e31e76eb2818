// Leaves something behind at the end of init: LEAVES says what.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const numbers = path.join(__dirname, 'numbers.txt');
const libc = (declaration) => require(process.env.KOFFI).load('libc.so.6').func(declaration);
const leaves = {
  lock() {
    const fd = fs.openSync('/tmp/locked', 'w');
    spawnSync('flock', ['-x', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] }); // of what it was handed: ours
    return async () => 'locked';
  },
  record_lock() {
    const fd = fs.openSync('/tmp/locked', 'w');
    const [SETLK, WRITE] = [6, 1];
    const lock = Buffer.alloc(64); // struct flock: all of the file
    lock.writeInt16LE(WRITE);
    if (libc('int fcntl(int, int, void *)')(fd, SETLK, lock) !== 0) throw new Error('not locked');
    // Looking at the file by a second descriptor, and closing that, would drop it: so it may not be looked at.
    const held = () => /POSIX +ADVISORY +WRITE/.test(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
    return async () => held();
  },
  file() {
    const fd = fs.openSync(numbers, 'r');
    const line = Buffer.alloc(4);
    const next = () => (fs.readSync(fd, line, 0, 4, null), line.toString().trim());
    next();
    return async () => next();
  },
  device() {
    const fd = fs.openSync(process.env.DEVICE, 'r');
    return async () => fd > 2 && 'opened';
  },
  pipe() {
    const ends = [0, 0];
    libc('int pipe(_Out_ int *)')(ends);
    return async () => ends[1] > 2 && 'open';
  },
  memory() {
    const [READ_AND_WRITE, SHARED_ANONYMOUS] = [3, 0x21];
    const mapped = libc('void *mmap(void *, size_t, int, int, int, long)')(null, 4096, READ_AND_WRITE, SHARED_ANONYMOUS, -1, 0);
    return async () => mapped !== null && 'mapped';
  },
  alarm() {
    libc('unsigned int alarm(unsigned int)')(1000);
    return async () => 'alarmed';
  },
  watch() {
    fs.watch('/tmp', () => {}).unref();
    return async () => 'watched';
  },
  signals() {
    process.on('SIGTERM', () => {});
    return async () => 'listening';
  },
  connection() {
    const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    return async () => server.address().family;
  },
  time() {
    const madeAt = [Date.now(), performance.now(), Number(process.hrtime.bigint() / 1000n) / 1000, process.uptime() * 1000];
    return async () => ({
      passed: [Date.now(), performance.now(), Number(process.hrtime.bigint() / 1000n) / 1000, process.uptime() * 1000].map((now, i) => now - madeAt[i]),
      origin: Date.now() - (performance.timeOrigin + performance.now()),
    });
  },
  timers() {
    let fired = 0;
    let ticks = 0;
    setTimeout(() => fired++, 20);
    setInterval(() => ticks++, 10_000_000);
    return async () => {
      await new Promise((resolve) => setTimeout(resolve, 40));
      return { fired, ticks };
    };
  },
};

exports.handler = leaves[process.env.LEAVES]();
