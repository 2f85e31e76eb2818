'use strict';
// Gives back what calls needed and nothing holds: an instance that rests keeps its results, not its workings. The host says when: what comes before that finds the
// memory of the call before it, and a detector's inference takes two thirds of the time.
const native = require('./native.cjs');
const { collectRubbish, collectYoung } = require('./rubbish.cjs');

/** Less is not worth the look. */
const HEAVY_BYTES = 16 * 1024 * 1024;

class Trimmer {
  constructor() {
    this.lightBytes = process.resourceUsage().maxRSS * 1024;
  }

  /** Whether an answered call left something to give back. `peak` is the most this process ever held: of a light call nothing else is asked. */
  heavy(peak) {
    return peak - this.lightBytes >= HEAVY_BYTES && this.surplus() >= HEAVY_BYTES;
  }

  trim() {
    collectYoung(); // buffers hang on what is rubbish
    native.mallocTrim();
    if (this.surplus() < HEAVY_BYTES) return;
    // It got old while the call lasted. All of the heap is looked at, and parts of it are shared no longer: less than what may come back.
    collectRubbish();
    this.lightBytes += Math.max(0, this.surplus()); // what is left, it wants to keep
  }

  surplus() {
    return process.memoryUsage.rss() - this.lightBytes;
  }
}

module.exports = { Trimmer };
