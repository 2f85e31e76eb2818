'use strict';
// SnapStart's hooks. AWS has a package for them in Python, Java and .NET, and none for Node.js; so there is a global with the names of the
// .NET one, which code can ask for with `globalThis.SnapshotRestore?.registerAfterRestore(…)` and run anywhere.
/** A hook threw. `errorType`: Lambda's name for that; `cause`: what was thrown, which is what the caller gets. */
class HookFailed extends Error {
  constructor(errorType, cause) {
    super(errorType, { cause });
    this.errorType = errorType;
  }
}

const beforeSnapshot = [];
const afterRestore = [];

function register(calls, hook, args) {
  if (typeof hook !== 'function') throw new TypeError('a hook must be a function');
  calls.push(() => hook(...args));
  return hook;
}

/** Before user code. */
function offer() {
  const SnapshotRestore = Object.freeze({
    registerBeforeSnapshot: (hook, ...args) => register(beforeSnapshot, hook, args),
    registerAfterRestore: (hook, ...args) => register(afterRestore, hook, args),
  });
  Object.defineProperty(globalThis, 'SnapshotRestore', { value: SnapshotRestore, configurable: true, writable: true });
}

/** As on Lambda, hooks are for versions that are to have a snapshot; where one turned out not to be forkable, they run all the same. */
const wanted = () => process.env.AWS_LAMBDA_INITIALIZATION_TYPE === 'snap-start';

async function run(errorType, calls, take) {
  if (!wanted()) return;
  while (calls.length > 0) {
    try {
      await take.call(calls)();
    } catch (cause) {
      throw new HookFailed(errorType, cause);
    }
  }
}

/** The last registered first, one after the other. Rejects with HookFailed Runtime.BeforeSnapshotError. */
const runBeforeSnapshot = () => run('Runtime.BeforeSnapshotError', beforeSnapshot, beforeSnapshot.pop);

/** In the order in which they were registered. Rejects with HookFailed Runtime.AfterRestoreError. */
const runAfterRestore = () => run('Runtime.AfterRestoreError', afterRestore, afterRestore.shift);

const restores = () => wanted() && afterRestore.length > 0;

module.exports = { HookFailed, offer, restores, runAfterRestore, runBeforeSnapshot };
