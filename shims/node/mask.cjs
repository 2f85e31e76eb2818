'use strict';
// Covers a directory with an empty tmpfs through which only some paths stay visible, read-only; and what init left there, where an instance inherits that.
const fs = require('node:fs');
const path = require('node:path');
const native = require('./native.cjs');
const { leftIn, overlay } = require('./left-files.cjs');

const O_PATH = 0o10000000;
const MS_RDONLY = 1;
const MS_NOSUID_NODEV = 2 | 4;
const MS_REMOUNT_BIND = 32 | 4096;
const MS_BIND_REC = 4096 | 16384;
const MOUNT_ATTR_RDONLY = 1n;

/** What is kept is opened before and bound after: it may lie in what is covered. */
function mask({ target, sizeMb, mode, keep, inherits }) {
  const kept = keep.map((name) => ({ name, fd: fs.openSync(name, O_PATH | fs.constants.O_NOFOLLOW) }));
  const left = inherits === true ? leftIn(target) : [];
  const old = left.length > 0 ? fs.openSync(target, O_PATH) : -1;
  try {
    const options = `size=${sizeMb}m,mode=${mode.toString(8)}`;
    native.check(`mount tmpfs on ${target}`, native.mount('tmpfs', target, 'tmpfs', MS_NOSUID_NODEV, options));
    if (old >= 0 && !overlay({ target, old, mode })) for (const name of left) show(target, old, name);
    for (const entry of kept) bind(target, entry);
  } finally {
    for (const { fd } of kept) fs.closeSync(fd);
    if (old >= 0) fs.closeSync(old);
  }
}

/** What is called `name` in the directory that `old` holds, read-only and under its name in `target`. */
function show(target, old, name) {
  const [from, to] = [`/proc/self/fd/${old}/${name}`, path.join(target, name)];
  if (fs.lstatSync(from).isSymbolicLink()) return fs.symlinkSync(fs.readlinkSync(from), to);
  const fd = fs.openSync(from, O_PATH | fs.constants.O_NOFOLLOW);
  try {
    bind(target, { name: to, fd });
  } finally {
    fs.closeSync(fd);
  }
}

function bind(target, { name, fd }) {
  const relative = path.relative(target, name);
  if (relative === '' || relative.startsWith('..')) throw new Error(`${name} is not below ${target}`);
  bindAt(name, fd);
  readOnly(name);
}

/** Binds what `fd` holds to a path where now nothing is. */
function bindAt(name, fd) {
  if (fs.fstatSync(fd).isDirectory()) fs.mkdirSync(name, { recursive: true });
  else {
    fs.mkdirSync(path.dirname(name), { recursive: true });
    fs.closeSync(fs.openSync(name, 'a'));
  }
  native.check(`bind ${name}`, native.mount(`/proc/self/fd/${fd}`, name, null, MS_BIND_REC, null));
}

/** mount_setattr(2) adds one flag and leaves those that a user namespace may not clear; older kernels want them all told. */
function readOnly(name) {
  if (native.mountSetattr(name, Buffer.from(new BigUint64Array([MOUNT_ATTR_RDONLY, 0n, 0n, 0n]).buffer)) === 0) return;
  native.check(`remount ${name}`, native.mount(null, name, null, MS_REMOUNT_BIND | MS_RDONLY | MS_NOSUID_NODEV, null));
}

module.exports = { mask, bindAt, readOnly };
