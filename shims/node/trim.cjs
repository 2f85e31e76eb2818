'use strict';
// Gives back what a call needed and no longer holds: an instance that rests keeps its results, not its workings.
const native = require('./native.cjs');
const { collectYoung } = require('./rubbish.cjs');

/** A call that needed less is not worth the look. */
const HEAVY_BYTES = 16 * 1024 * 1024;
/** After the last answer: a next call that comes at once finds everything as it was. Less than the host takes to stop an idle instance. */
const AFTER_MS = 3;

const peakBytes = () => process.resourceUsage().maxRSS * 1024;

class Trimmer {
  /** `resting` says whether nothing is being worked on. */
  constructor(resting) {
    this.resting = resting;
    this.lightBytes = peakBytes();
    this.timer = null;
  }

  /** A call was answered; `peak` is the most this process ever held. */
  answered(peak) {
    if (peak - this.lightBytes < HEAVY_BYTES) return;
    if (this.timer === null) this.timer = setTimeout(() => this.trim(), AFTER_MS).unref();
    else this.timer.refresh();
  }

  trim() {
    if (!this.resting()) return; // its answer asks again
    collectYoung(); // buffers hang on what is rubbish
    native.mallocTrim();
  }
}

module.exports = { Trimmer };
