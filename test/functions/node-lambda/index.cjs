'use strict';
// One behaviour of a handler per export.
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let ticks = 0;

exports.context = async (event, context) => ({
  ...context,
  remaining: context.getRemainingTimeInMillis(),
  trace: process.env._X_AMZN_TRACE_ID,
});
/** What is left of its time before the clock on the wall is set on by an hour, and then. */
exports.clockSet = async (event, context) => {
  const { now } = Date;
  const before = context.getRemainingTimeInMillis();
  Date.now = () => now() + 3_600_000;
  const after = context.getRemainingTimeInMillis();
  Date.now = now;
  return { before, after };
};
exports.late = (event, context, callback) => {
  setTimeout(() => (ticks += 1), 20);
  callback(null, { ticks });
};
exports.atOnce = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setTimeout(() => (ticks += 1), 20);
  callback(null, { ticks });
};
/** Bytes: what V8's young generation holds, and what hangs on its heap. */
exports.rubbish = async () => {
  const v8 = require('node:v8');
  const young = v8.getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_used_size;
  return { young, external: v8.getHeapStatistics().external_memory };
};
/** A timer that nobody waits for, for longer than any test. */
exports.leavesTimer = async () => {
  setTimeout(() => {}, 600_000);
  return 'at once';
};
exports.atOnceForever = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setInterval(() => {}, 1_000);
  callback(null, 'at once');
};
exports.callbackError = (event, context, callback) => callback(new RangeError('out of range'));
exports.callbackString = (event, context, callback) => callback('just text');
exports.silent = () => 'not a promise, so not an answer';
exports.lateOrNever = (event, context, callback) => void (event.ms > 0 && setTimeout(callback, event.ms, null, event.ms));
exports.unsettled = () => new Promise(() => {});
exports.succeed = (event, context) => context.succeed('succeeded');
exports.fail = (event, context) => context.fail(new Error('failed'));
exports.throws = async () => {
  throw Object.assign(new TypeError('two\nlines'), { detail: 7 });
};
exports.throwsAtOnce = () => {
  throw new Error('at once');
};
exports.throwsNothing = async () => {
  throw undefined;
};
exports.uncaught = async () => {
  setTimeout(() => {
    throw new Error('nobody caught');
  }, 1);
  await sleep(10_000);
};
exports.silenced = async (event) => {
  console.error = () => {
    throw new Error('nothing may be said');
  };
  return exports.unhandled(event);
};

exports.unhandled = async () => {
  Promise.reject(new Error('nobody handled'));
  await sleep(10_000);
};
exports.exits = async () => process.exit(5);
exports.bigint = async () => ({ n: 1n });
exports.nothing = async () => undefined;
exports.echo = async (event) => event;
exports.slow = async (event) => {
  console.log('start', event.n);
  await sleep(event.ms);
  console.log('end', event.n);
  return event.n;
};
exports.prints = async (event) => {
  console.log('one\ntwo');
  console.warn('%s-%d', 'careful', 7);
  process.stdout.write('raw\n');
  process.stderr.write('error\n');
  require('node:fs').writeSync(1, 'direct\n');
  require('node:child_process').execSync('echo child; echo child-error >&2', { stdio: 'inherit' });
  return 'printed';
};

/** Waits for a timer as for an answer from elsewhere; says how often the event loop turned meanwhile. */
exports.waits = async () => {
  const turns = () => performance.nodeTiming.uvMetricsInfo.loopCount;
  const before = turns();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return turns() - before;
};
