'use strict';
// One invocation of the handler, from its event to how it ended.
const { createContext } = require('./context.cjs');

/** Promises that never settle are rare: looked for late and seldom. */
const UNSETTLED_LOOK_MS = 100;
const SETTLED = Promise.resolve();

/**
 * Calls the handler and tells once how it ended: settle(error, result), with error undefined when it returned.
 * `idle` calls back once the event loop has nothing left to do; where several invocations share the loop it is null, and `sharedIdle` does.
 */
function invoke(fn, header, event, { idle, sharedIdle, settle }) {
  let settled = false;
  let called = false;
  const answerNull = () => once(undefined, null);
  const once = (error, result) => {
    if (settled) return;
    settled = true;
    idle?.stop();
    sharedIdle?.forget(answerNull);
    settle(error ?? undefined, result);
  };
  const context = createContext(fn, header, once);
  const callback = (error, result) => {
    if (called) return;
    called = true;
    if (idle === null || !context.callbackWaitsForEmptyEventLoop) once(error, result);
    else idle.wait(() => once(error, result), 0);
  };
  try {
    const returned = fn.handler(event, context, callback);
    const promised = typeof returned?.then === 'function';
    if (promised)
      returned.then(
        (result) => once(undefined, result),
        (error) => once(thrown(error)),
      );
    if (settled || called) return;
    // As on Lambda, a handler that has not answered when nothing is left that could make it answers null.
    if (!promised) return void (idle ?? sharedIdle).wait(answerNull, 0);
    if (idle === null) return;
    void SETTLED.then(() => {
      if (!settled && !called) idle.wait(answerNull, UNSETTLED_LOOK_MS); // most have settled by now, and need no timer
    });
  } catch (error) {
    once(thrown(error));
  }
}

/** `throw undefined` is an error too. */
const thrown = (error) => (error === undefined || error === null ? String(error) : error);

module.exports = { invoke };
