'use strict';

/**
 * A Buffer as native code makes them: a Uint8Array whose prototype is changed afterwards. When the first is made V8 throws away what it optimised for plain Uint8Arrays, and it forgets with the last
 * that there was any. So one is there before anything is optimised, and stays: what a parent optimised is good for all of its children.
 */
module.exports = Object.setPrototypeOf(new Uint8Array(0), Buffer.prototype);
