'use strict';
// Shows directories and files under other names, read-only, beside what else lies in a directory.
const fs = require('node:fs');
const path = require('node:path');
const native = require('./native.cjs');
const { bindAt, readOnly } = require('./mask.cjs');

const O_PATH = 0o10000000;
const MS_NOSUID_NODEV = 2 | 4;
const MOST_BYTES = 1 << 20;

/** The directory becomes an empty one in memory to which all that was in it is brought back: nothing is made on the machine itself. */
function show({ target, entries }) {
  const opened = [];
  const open = (name, from, flags) => opened.push({ at: path.join(target, name), fd: fs.openSync(from, O_PATH | flags) });
  try {
    const there = fs.readdirSync(target, { withFileTypes: true }).filter(({ name }) => !Object.hasOwn(entries, name));
    const links = there.filter((entry) => entry.isSymbolicLink());
    const texts = links.map(({ name }) => [path.join(target, name), fs.readlinkSync(path.join(target, name))]);
    for (const { name } of there.filter((entry) => !entry.isSymbolicLink())) open(name, path.join(target, name), fs.constants.O_NOFOLLOW);
    const kept = opened.length;
    for (const [name, source] of Object.entries(entries)) open(name, source, 0);
    const options = `size=${MOST_BYTES},mode=755`;
    native.check(`mount tmpfs on ${target}`, native.mount('tmpfs', target, 'tmpfs', MS_NOSUID_NODEV, options));
    for (const [link, to] of texts) fs.symlinkSync(to, link);
    for (const [index, { at, fd }] of opened.entries()) {
      bindAt(at, fd);
      if (index >= kept) readOnly(at);
    }
  } finally {
    for (const { fd } of opened) fs.closeSync(fd);
  }
}

module.exports = { show };
