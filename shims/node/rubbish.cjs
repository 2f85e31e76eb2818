'use strict';
const v8 = require('node:v8');
const vm = require('node:vm');
const native = require('./native.cjs');

/** V8's collector, which only contexts made under --expose-gc can name; the flag itself would show it to user code. */
function takeCollector() {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc');
  v8.setFlagsFromString('--no-expose-gc');
  return collect;
}

const collect = takeCollector();

/** Twice: finalisers free more. */
function collectRubbish() {
  collect();
  collect();
  native.mallocTrim();
}

/** Before the first fork: what is rubbish now would be copied by every child's collections, and what is not cleared up yet by each child that wants room. */
function tidyUp() {
  collectRubbish();
  sweep();
}

const SWEEPING = ['--no-single-threaded', '--no-single-threaded-gc', '--concurrent-sweeping'];
const AS_BEFORE = ['--no-concurrent-sweeping', '--single-threaded-gc', '--single-threaded'];

/**
 * V8 clears up behind a collection page by page, whenever old space has no room: a child would do that in its first call, and copy some 60 pages of 4 kB for it. A young collection does all that
 * is left at once where V8 believes that threads had been at it. They are started by full collections only, and there is none in between. V8 12 (Node.js 22) can't be had that way.
 */
function sweep() {
  for (const flag of SWEEPING) v8.setFlagsFromString(flag);
  collectYoung();
  for (const flag of AS_BEFORE) v8.setFlagsFromString(flag);
}

/** What the last call made and nobody holds; the pages of what is older stay as they are, shared. */
function collectYoung() {
  collect({ type: 'minor' });
}

module.exports = { collectRubbish, collectYoung, tidyUp };
