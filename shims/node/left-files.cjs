'use strict';
// What the init phase has put into /tmp (a model, a program, a cache): each instance finds it there, and has its own copy as soon as it changes it.
const fs = require('node:fs');
const path = require('node:path');
const { reopenIn } = require('./descriptors.cjs');
const native = require('./native.cjs');

const DIRECTORY = '/tmp';
const MS_NOSUID_NODEV = 2 | 4;

let before = new Set();
let left = [];

function names() {
  try {
    return fs.readdirSync(DIRECTORY);
  } catch {
    return []; // the function's own doing
  }
}

/** Before user code: what is there anyway. */
function baseline() {
  before = new Set(names());
}

/** Before the first fork. */
function remember() {
  left = names().filter((name) => !before.has(name));
}

/** Names of what init left in a directory. */
const leftIn = (directory) => (directory === DIRECTORY ? left : []);

/**
 * Lays the new, empty file system of `target` over the directory that was there, which `old` holds open. False where the system does not let it: Linux before 5.11, or
 * where something is mounted within that directory.
 */
function overlay({ target, old, mode }) {
  const [upper, work] = [path.join(target, 'upper'), path.join(target, 'work')];
  fs.mkdirSync(upper);
  fs.chmodSync(upper, mode);
  fs.mkdirSync(work);
  const layers = `lowerdir=/proc/self/fd/${old},upperdir=${upper},workdir=${work}`;
  // Without attributes of users (Linux before 6.6, in memory) all works but to remove a directory of init's.
  if ([`userxattr,${layers}`, layers].some((options) => native.mount('overlay', target, 'overlay', MS_NOSUID_NODEV, options) === 0))
    return true;
  for (const directory of [upper, work]) fs.rmSync(directory, { recursive: true });
  return false;
}

/** Once a child has its own copy: what init left open there is opened in that. */
function openOwn(reopenable) {
  if (left.length > 0) reopenIn(DIRECTORY, reopenable);
}

module.exports = { baseline, leftIn, openOwn, overlay, remember };
