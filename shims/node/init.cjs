'use strict';
// The init phase: become the function's process, load its handler, look at what that left behind.
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const { compileOnCall } = require('./compile.cjs');
const { watchConnections } = require('./connections.cjs');
const { baseline, letConnectionsClose, letWorkersLeave, settle, whyNot, workersStay } = require('./detect.cjs');
const descriptors = require('./descriptors.cjs');
const hooks = require('./hooks.cjs');
const leftFiles = require('./left-files.cjs');
const libraries = require('./libraries.cjs');
const log = require('./log.cjs');
const { loadHandler } = require('./loader.cjs');
const { watchModules } = require('./modules.cjs');
const { nowMs } = require('./monotonic.cjs');
const randomPools = require('./random-pools.cjs');
const streamify = require('./streamify.cjs');

/** Replaces the whole environment, native code's view of it included. */
function replaceEnvironment(environment) {
  for (const name of Object.keys(process.env)) if (!Object.hasOwn(environment, name)) delete process.env[name];
  for (const [name, value] of Object.entries(environment)) process.env[name] = value;
}

function enter(order) {
  replaceEnvironment(order.wrapped ? { ...order.environment, ...process.env } : order.environment);
  log.setFormat(order.environment);
  streamify.offer();
  if (order.dependencyRoot !== null) {
    const added = path.join(order.dependencyRoot, 'node_modules');
    process.env.NODE_PATH = [process.env.NODE_PATH, added].filter(Boolean).join(path.delimiter);
  }
  offerNode();
  Module._initPaths(); // reads NODE_PATH, as at a start
  process.chdir(order.taskRoot);
  process.argv = [process.execPath, path.join(__dirname, 'main.cjs')];
  process.execArgv = [];
  // All else in NODE_OPTIONS comes too late for a process that runs.
  if (/(^|\s)--enable-source-maps(\s|$)/.test(process.env.NODE_OPTIONS ?? '')) process.setSourceMapsEnabled(true);
}

/** For programs that the function starts: the machine's own `node` may be of another version, or there is none where programs usually are. */
function offerNode() {
  const folder = path.dirname(process.execPath);
  const present = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
  if (!present.includes(folder)) process.env.PATH = [folder, ...present].join(path.delimiter);
}

/** libuv starts its threads at the first file operation: now, so that they are not taken for the function's. */
const startThreadPool = () => new Promise((resolve) => fs.stat('/', resolve));

/**
 * Runs the init phase, `rehearse(handler)` included where the function asks for it. Returns {handler, report, unforkable, files}: the report as in
 * InitDone; why the process can't be forked, or null; and the files that each child must open anew. Throws what the function threw.
 */
async function initialise(order, { forkable, rehearse }) {
  const enteredMs = nowMs();
  enter(order);
  libraries.oneThreadEach();
  await startThreadPool();
  const wanted = order.snapshot && forkable;
  const before = wanted ? baseline() : null;
  if (wanted) {
    leftFiles.baseline();
    randomPools.watch();
  } else compileOnCall();
  const watch = watchModules(order.taskRoot);
  const connections = watchConnections();
  const startedMs = nowMs();
  let handler;
  let loadedMs;
  try {
    handler = await loadHandler(order.taskRoot, order.handler, watch.note).finally(log.restoreClosed);
    streamify.streams(handler); // throws where that can't be told
    loadedMs = nowMs();
    await settle();
    // A caller would wait longer than all later ones could save.
    const isTooLong = order.awaited === true && workersStay();
    if (wanted && order.rehearsal !== null && !isTooLong) {
      await rehearse(handler);
      await settle();
      await letWorkersLeave(before);
    }
    await hooks.runBeforeSnapshot();
    await settle();
    if (order.snapshot) await connections.closeIdle();
    if (wanted) await letConnectionsClose(before);
  } finally {
    connections.stop();
    watch.stop();
    randomPools.stop();
  }
  const importMs = watch.importMs();
  const unforkable = wanted ? whyNot(before) : null;
  if (wanted && unforkable === null) leftFiles.remember();
  libraries.restore(); // here, so that instances need not
  compileOnCall();
  return {
    handler,
    unforkable,
    files: wanted && unforkable === null ? descriptors.files(before).reopenable : [],
    report: {
      durationMs: nowMs() - startedMs,
      setUpMs: startedMs - enteredMs,
      importMs,
      userMs: loadedMs - startedMs - importMs,
      slowestModules: watch.slowest(),
    },
  };
}

module.exports = { initialise, startThreadPool };
