'use strict';
// What a process has open that a fork would share: sockets, pipes, locks, devices, memory; and plain files, which each instance opens anew.
const fs = require('node:fs');
const native = require('./native.cjs');

const DEVICES = [
  ['/dev/nvidia', 'the GPU (CUDA)'],
  ['/dev/kfd', 'the GPU (ROCm)'],
  ['/dev/dri/', 'the GPU'],
];
const LOCK = /^lock:\s+\d+: (?:FLOCK|POSIX|OFDLCK)/m;
const SHARED = /^\S+ .w.s \S+ \S+ \S+ +(.*)$/;
const LISTENING = '0A';
/** States of TCP connections that one side has shut down: gone as soon as the other does, too. */
const CLOSING = new Set(['04', '05', '07', '08', '09', '0B']);
const F_GETFL = 3;
const O_PATH = 0o10000000;
const { O_APPEND, O_NONBLOCK, O_SYNC } = fs.constants;
const KEPT_FLAGS = 3 | O_APPEND | O_NONBLOCK | O_SYNC;
const SEEK_SET = 0;
const SEEK_CUR = 1;

/** [descriptor, what it leads to] of all that is open. */
function open() {
  const found = [];
  for (const fd of fs.readdirSync('/proc/self/fd')) {
    try {
      found.push([Number(fd), fs.readlinkSync(`/proc/self/fd/${fd}`)]);
    } catch {
      // the descriptor that readdir itself used
    }
  }
  return found;
}

function sharedMemory() {
  const names = [];
  for (const line of fs.readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const match = SHARED.exec(line);
    if (match !== null) names.push(match[1].replace(' (deleted)', ''));
  }
  return names;
}

/** What is there before user code runs. */
function baseline() {
  return { targets: new Set(open().map(([, target]) => target)), fds: new Set(open().map(([fd]) => fd)), memory: sharedMemory() };
}

/** Words for what user code has opened and left so, by kind. */
function look(before) {
  const found = { sockets: [], pipes: 0, locks: [], devices: [], memory: newMemory(before) };
  for (const [fd, target] of open()) {
    if (target.startsWith('/')) {
      if (before.fds.has(fd)) continue;
      const device = DEVICES.find(([prefix]) => target.startsWith(prefix));
      if (device !== undefined) found.devices.push(device[1]);
      if (LOCK.test(read(`/proc/self/fdinfo/${fd}`))) found.locks.push(target);
    } else if (!before.targets.has(target)) {
      if (target.startsWith('socket:')) found.sockets.push(target.slice('socket:['.length, -1));
      else if (target.startsWith('pipe:')) found.pipes++;
    }
  }
  found.sockets = describeSockets(found.sockets);
  return found;
}

function newMemory(before) {
  const usual = [...before.memory];
  return sharedMemory()
    .filter((name) => {
      const index = usual.indexOf(name);
      if (index >= 0) usual.splice(index, 1);
      return index < 0;
    })
    .map((name) => (name === '' || name === '/dev/zero' ? 'anonymous' : name));
}

/** Where sockets lead, by their inodes. */
function describeSockets(inodes) {
  if (inodes.length === 0) return [];
  const known = connections();
  return inodes.map((inode) => {
    const found = known.get(inode);
    if (found === undefined) return 'local';
    return found.state === LISTENING ? `listening on port ${port(found.local)}` : `to ${address(found.remote)}`;
  });
}

/** TCP's table, by inodes. */
function connections() {
  const known = new Map();
  for (const family of ['tcp', 'tcp6']) {
    for (const line of read(`/proc/self/net/${family}`).split('\n').slice(1)) {
      const [, local, remote, state, , , , , , inode] = line.trim().split(/\s+/);
      if (inode !== undefined) known.set(inode, { local, remote, state });
    }
  }
  return known;
}

/** Whether a connection is on its way out that was not there before. One that both sides have shut down is in no table. */
function isClosing(before) {
  const sockets = open().filter(([, target]) => target.startsWith('socket:') && !before.targets.has(target));
  if (sockets.length === 0) return false;
  const known = connections();
  const others = ['unix', 'udp', 'udp6'].map((family) => read(`/proc/self/net/${family}`)).join();
  return sockets.some(([, target]) => {
    const inode = target.slice('socket:['.length, -1);
    const found = known.get(inode);
    return found === undefined ? !new RegExp(`\\s${inode}\\s`).test(others) : CLOSING.has(found.state);
  });
}

const port = (hex) => parseInt(hex.slice(hex.indexOf(':') + 1), 16);

/** `0100007F:1538` -> 127.0.0.1:5432, also where it is written as IPv6. */
function address(hex) {
  const host = hex.slice(0, hex.indexOf(':'));
  if (host.length > 8 && !/^0{16}F{4}0{4}/i.test(host)) return `port ${port(hex)} over IPv6`;
  return `${Buffer.from(host.slice(-8), 'hex').toReversed().join('.')}:${port(hex)}`;
}

/** Files that were opened since, as they are to be opened anew: [{fd, flags, name}]; and the names of those that can't be. */
function files(before) {
  const reopenable = [];
  const refused = [];
  for (const [fd, target] of open()) {
    if (before.fds.has(fd) || !target.startsWith('/') || !isFile(fd)) continue;
    const flags = native.fcntl(fd, F_GETFL, 0);
    if (flags < 0 || flags & O_PATH) continue;
    try {
      fs.closeSync(again(fd, flags));
      reopenable.push({ fd, flags, name: target });
    } catch {
      refused.push(target);
    }
  }
  return { reopenable, refused };
}

const again = (fd, flags) => fs.openSync(`/proc/self/fd/${fd}`, flags & KEPT_FLAGS);

/**
 * In each child. A forked descriptor shares its position with every other instance's: one would read where another has just sought. So
 * each opens its own, at the position where the snapshot left it.
 */
function reopen(reopenable) {
  for (const { fd, flags } of reopenable) replace(fd, again(fd, flags));
}

/** The same by their names, of those below `directory` that the child has a copy of its own of by now. */
function reopenIn(directory, reopenable) {
  for (const { fd, flags, name } of reopenable) {
    if (!name.startsWith(`${directory}/`)) continue;
    try {
      replace(fd, fs.openSync(name, flags & KEPT_FLAGS));
    } catch {
      // it has no name any more, or can only be read there: it stays what all instances have
    }
  }
}

function replace(fd, own) {
  native.lseek(own, native.lseek(fd, 0, SEEK_CUR), SEEK_SET);
  native.check('dup3', native.dup3(own, fd, fs.constants.O_CLOEXEC ?? 0o2000000));
  fs.closeSync(own);
}

function isFile(fd) {
  try {
    return fs.fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

function read(file) {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

module.exports = { baseline, files, isClosing, look, reopen, reopenIn };
