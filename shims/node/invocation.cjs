'use strict';
// One invocation of the handler, from its event to how it ended.
const { createContext } = require('./context.cjs');

/**
 * Calls the handler and tells once how it ended: settle(error, result), with error undefined when it returned.
 * `idle.wait(then)` calls back once the event loop has nothing left to do, or is null where several invocations share the loop.
 */
function invoke(fn, header, event, { idle, settle }) {
  let settled = false;
  const once = (error, result) => {
    if (settled) return;
    settled = true;
    settle(error ?? undefined, result);
  };
  const context = createContext(fn, header, once);
  const callback = (error, result) => {
    if (idle === null || !context.callbackWaitsForEmptyEventLoop) once(error, result);
    else idle.wait(() => once(error, result));
  };
  idle?.wait(() => once(undefined, null)); // a handler that neither answers nor leaves anything running answers null
  try {
    const returned = fn.handler(event, context, callback);
    if (typeof returned?.then === 'function')
      returned.then(
        (result) => once(undefined, result),
        (error) => once(thrown(error)),
      );
  } catch (error) {
    once(thrown(error));
  }
}

/** `throw undefined` is an error too. */
const thrown = (error) => (error === undefined || error === null ? String(error) : error);

module.exports = { invoke };
