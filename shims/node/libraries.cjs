'use strict';
// Libraries that start a thread for every CPU unless told otherwise. The init phase has one CPU, and threads don't survive a fork.
const path = require('node:path');

const VARIABLES = {
  OMP_NUM_THREADS: '1',
  OPENBLAS_NUM_THREADS: '1',
  MKL_NUM_THREADS: '1',
  VECLIB_MAXIMUM_THREADS: '1',
  RAYON_NUM_THREADS: '1',
  TOKENIZERS_PARALLELISM: 'false',
  VIPS_CONCURRENCY: '1',
  ORT_DISABLE_TELEMETRY: '1',
};

/** Those that the function did not set itself. */
let ours = [];

function oneThreadEach() {
  ours = Object.keys(VARIABLES).filter((name) => process.env[name] === undefined);
  for (const name of ours) process.env[name] = VARIABLES[name];
}

/** After init: for programs that whatever serves starts, and libraries that it loads only then. */
function restore() {
  for (const name of ours) if (process.env[name] === VARIABLES[name]) delete process.env[name];
  ours = [];
}

const PACKAGE = /(?:^|[\\/])(onnxruntime-node|sharp)(?:[\\/]|$)/;

/** Told of each module that is loaded while `active()`. */
function tame(request, exports, active) {
  const name = PACKAGE.exec(request)?.[1];
  if (name === 'onnxruntime-node') limitOnnx(exports, active);
  else if (name === 'sharp' && !path.isAbsolute(request)) limitSharp(exports);
}

const tamed = new WeakSet();

/**
 * onnxruntime starts a pool of threads with each session, even on one CPU; a process with threads can't be forked. In the init phase a session gets
 * one thread of each kind, unless the function says otherwise: then that is what it wants.
 */
function limitOnnx(exports, active) {
  const Session = exports?.InferenceSession;
  if (typeof Session?.create !== 'function' || tamed.has(Session)) return;
  tamed.add(Session);
  const { create } = Session;
  const single = (options) => ({ intraOpNumThreads: 1, interOpNumThreads: 1, ...options });
  Session.create = function (model, ...rest) {
    if (!active()) return Reflect.apply(create, this, [model, ...rest]);
    // create(model, options?) or create(bytes, offset, length?, options?)
    if (typeof rest[0] !== 'number') return Reflect.apply(create, this, [model, single(rest[0])]);
    const [offset, length = model.byteLength - offset, options] = rest;
    return Reflect.apply(create, this, [model, offset, length, single(options)]);
  };
}

/** libvips works in libuv's threads, which a fork replaces, and in its own, of which one is none. */
function limitSharp(exports) {
  if (typeof exports?.concurrency === 'function') exports.concurrency(1);
}

module.exports = { oneThreadEach, restore, tame };
