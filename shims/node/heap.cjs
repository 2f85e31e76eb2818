'use strict';
// V8 marks each piece of its heap MADV_DONTFORK, and a child that lacks one faults. Undoing that before each fork is not enough:
// between the advice and fork(2) the heap may grow. So a seccomp filter of one rule turns that advice into nothing, for this process and
// all that come from it; what was advised before is undone once.
const fs = require('node:fs');
const native = require('./native.cjs');

const MADV_DONTFORK = 10;
const MADV_DOFORK = 11;
const ENOMEM = 12;
const EACCES = 13;
const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;
/** By process.arch: audit architecture, number of madvise(2). */
const ARCHITECTURES = { x64: [0xc000003e, 28], arm64: [0xc00000b7, 233] };
const MAPPING = /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ *(.*)$/;

/** BPF: [code, jump if true, jump if false, k]. Offsets are those of struct seccomp_data. */
function program([architecture, madvise]) {
  const [LOAD, EQUAL, RETURN] = [0x20, 0x15, 0x06];
  const [ALLOW, SUCCEED] = [0x7fff0000, 0x00050000];
  const instructions = [
    [LOAD, 0, 0, 4],
    [EQUAL, 0, 5, architecture],
    [LOAD, 0, 0, 0],
    [EQUAL, 0, 3, madvise],
    [LOAD, 0, 0, 32], // third argument
    [EQUAL, 0, 1, MADV_DONTFORK],
    [RETURN, 0, 0, SUCCEED],
    [RETURN, 0, 0, ALLOW],
  ];
  const bytes = Buffer.alloc(instructions.length * 8);
  for (const [i, [code, yes, no, k]] of instructions.entries()) {
    bytes.writeUInt16LE(code, i * 8);
    bytes[i * 8 + 2] = yes;
    bytes[i * 8 + 3] = no;
    bytes.writeUInt32LE(k, i * 8 + 4);
  }
  return { len: instructions.length, filter: bytes };
}

/** Whether the filter is in place. Without privileges the kernel wants no_new_privs first. */
function ignoreAdvice() {
  const architecture = ARCHITECTURES[process.arch];
  if (architecture === undefined) return false;
  const filter = program(architecture);
  if (native.prctlFilter(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter, 0, 0) === 0) return true;
  if (native.errno() !== EACCES || native.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return false;
  return native.prctlFilter(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter, 0, 0) === 0;
}

function mappings() {
  const found = [];
  for (const line of fs.readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const match = MAPPING.exec(line);
    if (match !== null) found.push({ start: parseInt(match[1], 16), end: parseInt(match[2], 16), name: match[3] });
  }
  return found;
}

/** One call for the whole address space up to the kernel's own pages, which refuse; ENOMEM only says that there were holes. Where something in between refuses, one by one. */
function undoAdvice() {
  const kernelPages = mappings().filter(({ name }) => name.startsWith('[v'));
  const ceiling = Math.min(...kernelPages.map(({ start }) => start), 0x7ffffffff000);
  if (native.madvise(0, ceiling, MADV_DOFORK) === 0 || native.errno() === ENOMEM) return;
  for (const { start, end } of mappings()) if (start < ceiling) native.madvise(start, end - start, MADV_DOFORK);
}

let kept = false;

/** Makes the heap of this process, and of all that will be forked from it, survive forks. False where the kernel has no seccomp filters. */
function keepHeapInForks() {
  if (!kept) kept = ignoreAdvice();
  if (kept) undoAdvice();
  return kept;
}

module.exports = { keepHeapInForks };
