'use strict';
// Gives back what calls needed and nothing holds: an instance that rests keeps its results, not its workings. The host says when: what comes before that finds the
// memory of the call before it, and a detector's inference takes two thirds of the time.
const native = require('./native.cjs');
const { collectRubbish, collectYoung } = require('./rubbish.cjs');

/** Less is not worth the look. */
const HEAVY_BYTES = 16 * 1024 * 1024;

const { rss } = process.memoryUsage; // user code may put another in its place

class Trimmer {
  constructor() {
    this.lightBytes = 0;
    this.keptBytes = 0;
  }

  /** Before the first call: what the process holds now, it needs. */
  begin() {
    this.lightBytes = process.resourceUsage().maxRSS * 1024;
  }

  /** Whether an answered call left memory that may be given back. `peak` is the most this process ever held: until the first heavy call nothing else is asked. */
  heavy(peak) {
    return peak - this.lightBytes >= HEAVY_BYTES && this.surplus() >= HEAVY_BYTES;
  }

  trim() {
    collectYoung(); // buffers hang on what is rubbish
    native.mallocTrim();
    if (this.surplus() - this.keptBytes < HEAVY_BYTES) return;
    // It got old while the call lasted. All of the heap is looked at, and parts of it are shared no longer: less than what may come back.
    collectRubbish();
    this.keptBytes = this.surplus(); // what is left, it wants to keep: no reason to look at all of the heap again
  }

  /** What the process holds beyond what it began with. 0 where that can't be told: the kernel is asked by a file, and there may be no descriptor left. */
  surplus() {
    try {
      return rss() - this.lightBytes;
    } catch {
      return 0;
    }
  }
}

module.exports = { Trimmer };
