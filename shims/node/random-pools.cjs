'use strict';
// Libraries that make ids (nanoid, uuid) draw random bytes by the hundred and hand them out bit by bit; so does crypto.randomInt. What the init phase drew and has
// not used yet would be the same in each child, and so would be the ids that come of it.
const crypto = require('node:crypto');
const native = require('./native.cjs');

/** Of what counts as such a store: a key or a salt is smaller, a matrix larger, and those are what init has kept. */
const LEAST_BYTES = 128;
const MOST_BYTES = 16 * 1024;
/** What `bson` keeps to tell the ObjectIds of a process from those of others; nothing else that is kept is so small. */
const PROCESS_BYTES = 5;
const MOST_POOLS = 1_000;
/** crypto.randomInt's own store, and how much of it an integer takes. */
const INTEGERS = 1_024;
const ANY_INTEGER = 2 ** 48 - 1;

const { randomBytes, randomFillSync, randomInt, webcrypto } = crypto;
const { getRandomValues } = webcrypto;

let watching = false;
const pools = [];
let known = new WeakSet();
let integersDrawn = false;
let integersStale = false;

function note(view, whole) {
  if (!watching || !whole || !(view instanceof Uint8Array)) return;
  if ((view.length < LEAST_BYTES || view.length > MOST_BYTES) && view.length !== PROCESS_BYTES) return;
  if (known.has(view) || pools.length === MOST_POOLS) return;
  known.add(view);
  pools.push(new WeakRef(view));
}

/** To be put in the place of the functions of the same names, and of the Web Crypto's; crypto.getRandomValues asks that. */
const replacements = {
  randomFillSync(buffer, offset, size) {
    const filled = randomFillSync(buffer, offset, size);
    note(buffer, !offset && (size === undefined || size >= buffer.byteLength));
    return filled;
  },
  randomBytes(size, callback) {
    const bytes = randomBytes(size, callback);
    if (size === PROCESS_BYTES) note(bytes, true);
    return bytes;
  },
  randomInt(min, max, callback) {
    if (watching) integersDrawn = true;
    if (integersStale) {
      integersStale = false;
      for (let left = INTEGERS; left > 0; left--) randomInt(ANY_INTEGER);
    }
    return randomInt(min, max, callback);
  },
};

const webReplacements = {
  getRandomValues(array) {
    const filled = getRandomValues.call(this, array);
    note(array, true);
    return filled;
  },
};

/** From now on, until `stop`, what is filled is remembered. */
function watch() {
  watching = true;
}

function stop() {
  watching = false;
  known = new WeakSet();
}

/** In each child. */
function refill() {
  integersStale = integersDrawn;
  for (const pool of pools) {
    const view = pool.deref();
    if (view !== undefined && native.getrandom(view, view.byteLength, 0) !== view.byteLength) randomFillSync(view);
  }
}

module.exports = { replacements, webReplacements, watch, stop, refill };
