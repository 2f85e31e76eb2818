'use strict';
// The context object of one invocation: all that AWS documents.

const { performance } = require('node:perf_hooks');

/**
 * @param fn what does not change: {order, logStream}
 * @param header InvokeHeader
 * @param settle called with (error, result) by the old-style done, succeed and fail
 */
function createContext(fn, header, settle) {
  const { order } = fn;
  const settleNow = (error, result) => {
    context.callbackWaitsForEmptyEventLoop = false;
    settle(error, result);
  };
  // By the clock that ends it: one on the wall may be set meanwhile.
  const endsAtMs = performance.now() + header.deadlineMs - Date.now();
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: order.functionVersion,
    functionName: order.functionName,
    memoryLimitInMB: order.memoryMb,
    logGroupName: order.logGroup,
    logStreamName: fn.logStream,
    clientContext: parse(header.clientContext),
    identity: undefined,
    invokedFunctionArn: header.invokedArn,
    awsRequestId: header.requestId,
    getRemainingTimeInMillis: () => Math.floor(endsAtMs - performance.now()),
    succeed: (result) => settleNow(null, result),
    fail: (error) => settleNow(error === undefined || error === null ? 'handled' : error),
    done: (error, result) => settleNow(error, result),
  };
  return context;
}

function parse(text) {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the gateway lets through what a client sent
  }
}

module.exports = { createContext };
