'use strict';
const native = require('./native.cjs');

/** Largest and smallest hole that is looked for. */
const LARGEST_BYTES = 64 * 1024;
const SMALLEST_BYTES = 32;
const HEADER_BYTES = 16;
/** However broken the heap is. */
const MOST = 20_000;

/**
 * Takes the free pieces between what is in use out of the C library's heap, for good: a child would get them one here and one there, and
 * each would be a page that it shares no longer. Now all it asks for comes from the end of the heap, side by side. What was in a piece has been given back to
 * the kernel by then, so this costs address space and no memory.
 */
function fillHoles() {
  if (native.heap === null) return;
  const { malloc, free, end } = native.heap;
  native.mallocTrim();
  const before = end();
  let taken = 0;
  for (let bytes = LARGEST_BYTES; bytes >= SMALLEST_BYTES && taken < MOST; bytes = smaller(bytes)) {
    for (;;) {
      const at = malloc(bytes - HEADER_BYTES);
      if (at === 0) return; // no memory left
      if (at + bytes < before && taken++ < MOST) continue;
      free(at);
      break;
    }
  }
}

const smaller = (bytes) => (bytes > 1024 ? bytes / 2 : bytes - HEADER_BYTES);

module.exports = { fillHoles };
