'use strict';
// Watches what gets loaded during the init phase: how long it takes, and libraries that would start threads by default.
const Module = require('node:module');
const path = require('node:path');
const libraries = require('./libraries.cjs');

const SHOWN = 10;
const LOADER = path.join(__dirname, 'loader.cjs');
const [OWN, IMPORTED] = ['own', 'imported'];

/**
 * Times CommonJS loads, each with all that it loads itself, and tames known libraries. Node.js gives no such hook for ESM
 * without a thread of its own, so an ESM handler is timed as a whole, and each CommonJS package it imports.
 */
function watchModules(taskRoot) {
  const timings = new Map();
  const original = Module._load;
  let watching = true;
  /** Loads within loads: the handler's own module is the outermost, what it loads is imported. */
  const loading = [];
  let importMs = 0;

  const note = (name, startedAt) => {
    const ms = Number(process.hrtime.bigint() - startedAt) / 1e6;
    timings.set(name, Math.max(ms, timings.get(name) ?? 0));
  };
  const hook = function (request, parent, isMain) {
    if (!watching || Module.isBuiltin(request)) return Reflect.apply(original, this, [request, parent, isMain]);
    const own = parent?.filename === LOADER;
    const outermost = !own && loading.every((is) => is === OWN);
    const startedAt = process.hrtime.bigint();
    loading.push(own ? OWN : IMPORTED);
    let exports;
    try {
      exports = Reflect.apply(original, this, [request, parent, isMain]);
    } finally {
      loading.pop();
      if (outermost) importMs += Number(process.hrtime.bigint() - startedAt) / 1e6;
    }
    note(shownName(request, parent, taskRoot), startedAt);
    libraries.tame(request, exports, () => watching);
    return exports;
  };
  Module._load = hook;

  return {
    note,
    /** Time in all that was loaded for the handler's module; of ES modules what they load by require or from CommonJS. */
    importMs: () => importMs,
    /** The slowest, slowest first. */
    slowest: () =>
      [...timings]
        .map(([name, ms]) => ({ name, ms: Math.round(ms * 100) / 100 }))
        .sort((x, y) => y.ms - x.ms)
        .slice(0, SHOWN),
    stop() {
      watching = false;
      if (Module._load === hook) Module._load = original;
    },
  };
}

/** Packages by their name, files by their path within the code. */
function shownName(request, parent, taskRoot) {
  if (!request.startsWith('.') && !path.isAbsolute(request)) return request;
  const file = path.isAbsolute(request) ? request : path.resolve(path.dirname(parent?.filename ?? taskRoot), request);
  const installed = file.lastIndexOf(`node_modules${path.sep}`);
  return installed >= 0 ? file.slice(installed + 'node_modules/'.length) : path.relative(taskRoot, file);
}

module.exports = { watchModules };
