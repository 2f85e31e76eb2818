'use strict';
const native = require('./native.cjs');

/** Largest and smallest hole that is looked for. */
const LARGEST_BYTES = 64 * 1024;
const SMALLEST_BYTES = 32;
const HEADER_BYTES = 16;
const PAGE_BYTES = 4096;
const MADV_DONTNEED = 4;
/** However broken the heap is. */
const MOST = 20_000;

/**
 * Takes the free pieces between what is in use out of the C library's heap, for good: a child would get them one here and one there, and
 * each would be a page that it shares no longer. Now all it asks for comes from the end of the heap, side by side. What was in a piece is given back to
 * the kernel, so this costs address space and no memory, nor the time to copy entries for it in each fork.
 */
function fillHoles() {
  if (native.heap === null) return;
  native.mallocTrim();
  native.smallPages(); // a piece of which the first bytes are written must not become 2 MB
  try {
    takePieces(native.heap);
  } finally {
    native.largePages();
  }
}

function takePieces({ malloc, free, end }) {
  const before = end();
  let taken = 0;
  for (let bytes = LARGEST_BYTES; bytes >= SMALLEST_BYTES && taken < MOST; bytes = smaller(bytes)) {
    for (;;) {
      const at = malloc(bytes - HEADER_BYTES);
      if (at === 0) return; // no memory left
      giveBack(at, bytes - HEADER_BYTES);
      if (at + bytes < before && taken++ < MOST) continue;
      free(at);
      break;
    }
  }
}

/** The whole pages of a piece of ours. What has just been added to the heap lies in a page of 2 MB, all of it there. */
function giveBack(at, bytes) {
  const first = Math.ceil(at / PAGE_BYTES) * PAGE_BYTES;
  const pages = Math.floor((at + bytes) / PAGE_BYTES) * PAGE_BYTES - first;
  if (pages > 0) native.madvise(first, pages, MADV_DONTNEED);
}

const smaller = (bytes) => (bytes > 1024 ? bytes / 2 : bytes - HEADER_BYTES);

module.exports = { fillHoles };
