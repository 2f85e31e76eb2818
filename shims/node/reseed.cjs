'use strict';
// Randomness that survives a fork is randomness shared by all children. OpenSSL notices a fork by itself; Math.random and
// crypto.randomUUID keep state in V8 and in a cache of Node's that nothing can reach from outside, so both are replaced
// before user code runs, by the same thing with a state that a child can renew.
const crypto = require('node:crypto');
const { syncBuiltinESMExports } = require('node:module');
const native = require('./native.cjs');
const randomPools = require('./random-pools.cjs');

const UUID_BYTES = 16;
const pool = Buffer.alloc(UUID_BYTES * 128);
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const words = new Uint32Array(4);
let [a, b, c, d] = words;
let position = pool.length;

/** xoshiro128**, two steps for 53 bits. */
function next() {
  const product = Math.imul(b, 5);
  const result = Math.imul((product << 7) | (product >>> 25), 9);
  const shifted = b << 9;
  c ^= a;
  d ^= b;
  b ^= c;
  a ^= d;
  c ^= shifted;
  d = (d << 11) | (d >>> 21);
  return result;
}

function uuid() {
  if (position === pool.length) {
    crypto.randomFillSync(pool);
    position = 0;
  }
  const at = position;
  position += UUID_BYTES;
  pool[at + 6] = (pool[at + 6] & 0x0f) | 0x40;
  pool[at + 8] = (pool[at + 8] & 0x3f) | 0x80;
  let text = '';
  for (let i = 0; i < UUID_BYTES; i++) text += i === 4 || i === 6 || i === 8 || i === 10 ? `-${HEX[pool[at + i]]}` : HEX[pool[at + i]];
  return text;
}

const { randomUUID: originalUUID, webcrypto } = crypto;
const originalWebUUID = webcrypto.randomUUID;

// Methods have no `prototype` and can't be constructed, like the functions they stand for.
const replacements = {
  random() {
    return ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
  },
  randomUUID(options) {
    if (options === undefined) return uuid();
    const fresh = originalUUID(options); // validates them
    return options.disableEntropyCache === true ? fresh : uuid();
  },
};
const webReplacements = {
  randomUUID() {
    return this === webcrypto ? uuid() : originalWebUUID.call(this); // which says what is wrong with `this`
  },
};

/** Before user code: replaces what can't be renewed. */
function install() {
  Object.defineProperty(Math, 'random', { value: replacements.random, enumerable: false });
  crypto.randomUUID = replacements.randomUUID;
  Object.assign(crypto, randomPools.replacements);
  for (const [name, value] of Object.entries({ ...webReplacements, ...randomPools.webReplacements }))
    Object.defineProperty(Object.getPrototypeOf(webcrypto), name, { value });
  syncBuiltinESMExports();
  reseed();
}

/** In each process: fresh state from the kernel. */
function reseed() {
  if (process.platform !== 'linux') crypto.randomFillSync(words); // where nothing is forked
  else if (native.getrandom(words, words.byteLength, 0) !== words.byteLength) throw native.failure('getrandom');
  [a, b, c, d] = words;
  if ((a | b | c | d) === 0) a = 1; // the one state this generator never leaves
  position = pool.length;
  randomPools.refill();
}

module.exports = { install, reseed };
