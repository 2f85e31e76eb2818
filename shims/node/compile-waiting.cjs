'use strict';
const v8 = require('node:v8');
const vm = require('node:vm');

const THRESHOLD = '--baseline-batch-compilation-threshold';
/** Bytes of machine code that a child's functions have to be good for before it compiles them. V8's own 4096 are reached within the first call. */
const CHILDS_BYTES = 64 * 1024;
/** Turns of a loop that V8 notices. */
const TURNS = 50_000;
let made = 0;

/**
 * V8 collects functions that have run a while, and compiles them together when they are enough: in each child anew, if it is left to the children. What waits is compiled now.
 */
function compileWaiting() {
  v8.setFlagsFromString(`${THRESHOLD}=0`);
  const spin = vm.compileFunction(`let sum = ${++made}; for (let i = 0; i < turns; i++) sum += i; return sum;`, ['turns']); // one that was never compiled before
  for (let i = 0; i < 4; i++) spin(TURNS);
  v8.setFlagsFromString(`${THRESHOLD}=${CHILDS_BYTES}`);
}

module.exports = { compileWaiting };
