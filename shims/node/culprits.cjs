'use strict';
// Which library a thread of native code belongs to: the addresses on its stack say who called what it waits in.
const fs = require('node:fs');
const path = require('node:path');
const native = require('./native.cjs');

const LOOKS = 25;
const PAUSE_MS = 20;
const STACK_BYTES = 64 * 1024;
const WORD_BYTES = 8;
const LINE = /^([0-9a-f]+)-([0-9a-f]+) ..x. \S+ \S+ \S+ +(\/.*)$/;
/** Whatever runs a thread has frames of these. */
const EVERYBODYS = /^(?:libc|libm|libpthread|libdl|librt|ld-linux.*|libstdc\+\+|libgcc_s|node|koffi)[-.\d]*(?:\.so[\d.]*|\.node)?$/;
const PACKAGE = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//;
/** Packages that are only a part of another. */
const PART = /^@img\/sharp/;

/** Mappings of native libraries that are somebody's in particular. */
function code() {
  const found = [];
  for (const line of fs.readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const match = LINE.exec(line);
    if (match !== null && !EVERYBODYS.test(path.basename(match[3])))
      found.push({ start: BigInt(`0x${match[1]}`), end: BigInt(`0x${match[2]}`), file: match[3] });
  }
  return found;
}

function stackOf(thread, memory) {
  const fields = fs.readFileSync(`/proc/self/task/${thread}/syscall`, 'latin1').trim().split(' ');
  const pointer = Number(fields.at(-2)); // "running" has none
  const copy = Buffer.alloc(STACK_BYTES);
  const bytes = fs.readSync(memory, copy, 0, STACK_BYTES, pointer); // stops where the stack does
  return new BigUint64Array(copy.buffer, copy.byteOffset, Math.floor(bytes / WORD_BYTES));
}

/** The package of a library, or what the library itself is called. */
function nameOf(file) {
  const name = PACKAGE.exec(file)?.[1] ?? path.basename(file).replace(/[-.].*/, '');
  return PART.test(name) ? 'sharp' : name;
}

/** The library of one thread; undefined where it has none of its own, null while that can't be told because it runs. */
function libraryOf(thread, mappings, memory) {
  try {
    const votes = new Map();
    for (const address of stackOf(thread, memory)) {
      const owner = mappings.find(({ start, end }) => start <= address && address < end);
      if (owner !== undefined) votes.set(nameOf(owner.file), (votes.get(nameOf(owner.file)) ?? 0) + 1);
    }
    // Frames leave addresses of earlier calls behind: whose are most are those of the calls that the thread is in. Of equals the innermost.
    const most = Math.max(...votes.values());
    return [...votes].find(([, count]) => count === most)?.[0];
  } catch {
    return null;
  }
}

/** The library of each thread, or nothing where that can't be told. Waits a little for threads that spin before they wait. */
function librariesOf(threads) {
  const mappings = code();
  const memory = fs.openSync('/proc/self/mem', 'r');
  const found = threads.map(() => null);
  try {
    for (let look = 0; look < LOOKS && found.includes(null); look++) {
      if (look > 0) native.poll(null, 0, PAUSE_MS);
      for (const [i, thread] of threads.entries()) found[i] ??= libraryOf(thread, mappings, memory);
    }
    return found;
  } finally {
    fs.closeSync(memory);
  }
}

module.exports = { librariesOf };
