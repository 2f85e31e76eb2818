'use strict';
// Finds and loads a handler as AWS Lambda does: `index.handler`, `a/b/index.handler`, `module.sub.handler`;
// the file itself, .js, .mjs, .cjs and (from Node.js 24 on) .ts, .mts and .cts in that order, ESM or CommonJS by the nearest package.json, an
// installed package last.
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { runtimeError } = require('./failures.cjs');

/** Where AWS's runtime loads TypeScript as it is. */
const STRIPS_TYPES = Number.parseInt(process.versions.node, 10) >= 24;
const HANDLER = /^([^.]*)\.(.+)$/;

/** `a/b/index.sub.handler` -> {file: 'a/b/index', property: 'sub.handler'} */
function split(handler) {
  if (handler.includes('..')) {
    throw runtimeError(
      'Runtime.MalformedHandlerName',
      `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const base = path.basename(handler);
  const match = HANDLER.exec(base);
  if (match === null) throw runtimeError('Runtime.MalformedHandlerName', 'Bad handler');
  return { file: handler.slice(0, handler.length - base.length) + match[1], property: match[2] };
}

const isFile = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true;

/** Whether the nearest package.json at or above `folder` says `"type": "module"`. */
function isModuleScope(folder) {
  for (let at = folder; !at.endsWith(`${path.sep}node_modules`); at = path.dirname(at)) {
    const file = path.join(at, 'package.json');
    if (isFile(file)) {
      try {
        return JSON.parse(fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, '')).type === 'module';
      } catch {
        return false; // Node.js itself will complain, by name, when it loads something from there
      }
    }
    if (path.dirname(at) === at) break;
  }
  return false;
}

async function loadModule(taskRoot, file, note) {
  const stem = path.resolve(taskRoot, file);
  const esm = isModuleScope(path.dirname(stem));
  const importTimed = async (extension) => {
    const startedAt = process.hrtime.bigint();
    const loaded = await import(pathToFileURL(stem + extension));
    note(file + extension, startedAt);
    return loaded;
  };
  if (isFile(stem)) return require(stem);
  if (isFile(`${stem}.js`)) return esm ? importTimed('.js') : require(`${stem}.js`);
  if (isFile(`${stem}.mjs`)) return importTimed('.mjs');
  if (isFile(`${stem}.cjs`)) return require(`${stem}.cjs`);
  if (STRIPS_TYPES) {
    if (isFile(`${stem}.ts`)) return esm ? importTimed('.ts') : require(`${stem}.ts`);
    if (isFile(`${stem}.mts`)) return importTimed('.mts');
    if (isFile(`${stem}.cts`)) return require(`${stem}.cts`);
  }
  return require(require.resolve(file, { paths: [taskRoot, path.dirname(stem)] }));
}

/** Errors of loading under Lambda's names; everything else is the function's own and stays what it is. */
function asLambdaError(error) {
  if (error instanceof SyntaxError) return rename(error, 'Runtime.UserCodeSyntaxError');
  if (error?.code === 'MODULE_NOT_FOUND') return rename(error, 'Runtime.ImportModuleError');
  return error;
}

function rename(error, name) {
  const renamed = runtimeError(name, String(error));
  if (typeof error.stack === 'string') renamed.stack = `${name}: ${error.stack}`;
  return renamed;
}

/** The handler function. Throws Lambda's errors. `note(name, startedAt)` is told how long an ESM import took. */
async function loadHandler(taskRoot, handler, note) {
  const { file, property } = split(handler);
  let loaded;
  try {
    loaded = await loadModule(taskRoot, file, note);
  } catch (error) {
    throw asLambdaError(error);
  }
  const find = (from) =>
    property.split('.').reduce((nested, key) => (nested === null || nested === undefined ? undefined : nested[key]), from);
  const found = find(loaded);
  if (found === undefined || found === null) throw runtimeError('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  if (typeof found !== 'function') throw runtimeError('Runtime.HandlerNotFound', `${handler} is not a function`);
  return found;
}

module.exports = { loadHandler };
