'use strict';
// Errors as AWS Lambda's Node.js runtime reports them.
const { types } = require('node:util');

/** An error whose type is one of Lambda's own names. */
function runtimeError(name, message) {
  const error = new Error(message);
  Object.defineProperty(error, 'name', { value: name, enumerable: false });
  error.stack = `${name}: ${message}${error.stack.slice(error.stack.indexOf('\n'))}`;
  return error;
}

const isError = (thrown) =>
  types.isNativeError(thrown) ||
  (thrown !== null &&
    typeof thrown === 'object' &&
    typeof thrown.name === 'string' &&
    typeof thrown.message === 'string' &&
    typeof thrown.stack === 'string');

/** Most characters of an error's name, which goes with what the host is told of an invocation's end. */
const MOST_TYPE = 1_000;
/** Most that an error document may take of one frame, bytes; the rest is for what is told with it. */
const MOST_DOCUMENT_BYTES = 1_000_000;
/** Characters of the message, and of the trace, of an error document that takes more. Fewer where each of them takes several bytes. */
const MOST_CHARACTERS = 256 * 1024;

/** Lambda's error document for whatever was thrown: {errorType, errorMessage, trace}. Never throws itself. */
function errorDocument(thrown) {
  try {
    if (!isError(thrown)) return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
    return {
      errorType: String(thrown.name).slice(0, MOST_TYPE),
      errorMessage: String(thrown.message),
      trace: String(thrown.stack).split('\n'),
    };
  } catch {
    return {
      errorType: 'handled',
      errorMessage:
        'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
      trace: [],
    };
  }
}

/** An error document that fits into one frame: message and trace are cut where they have to be. `encoded`: how it is written there. */
function fitting(document, encoded = JSON.stringify) {
  const fits = (some) => Buffer.byteLength(encoded(some)) <= MOST_DOCUMENT_BYTES;
  const { errorMessage, trace } = document;
  const characters = trace.reduce((sum, line) => sum + line.length, errorMessage.length);
  if (characters <= MOST_DOCUMENT_BYTES && fits(document)) return document;
  for (let most = MOST_CHARACTERS; ; most /= 2) {
    const shorter = { ...document, errorMessage: cut(errorMessage, most), trace: cutLines(trace, most) };
    if (fits(shorter)) return shorter;
  }
}

function cut(text, most) {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length} characters)`;
}

function cutLines(lines, most) {
  const kept = [];
  for (let left = most; kept.length < lines.length && left > 0; left -= kept.at(-1).length + 1) kept.push(cut(lines[kept.length], left));
  return kept;
}

/** The error as a line of the log shows it: a tab, then JSON with all that is enumerable on it; where logs are JSON, as it is. Never throws. */
function loggable(thrown) {
  if (process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON') return asError(thrown);
  try {
    return `\t${JSON.stringify(thrown, (_key, value) => (value instanceof Error ? enumerable(value) : value))}`;
  } catch {
    return `\t${JSON.stringify(errorDocument(thrown))}`;
  }
}

/** What was thrown, as an error that a line of JSON takes apart. */
function asError(thrown) {
  if (thrown instanceof Error) return thrown;
  const { errorType, errorMessage } = errorDocument(thrown);
  return runtimeError(errorType, errorMessage);
}

function enumerable(error) {
  const shown = { errorType: error.name, errorMessage: error.message, code: error.code, ...error };
  if (typeof error.stack === 'string') shown.stack = error.stack.split('\n');
  return shown;
}

/** What Lambda makes of a rejection that nobody handled. */
function unhandledRejection(reason, promise) {
  const message = isError(reason) ? `${reason.name}: ${reason.message}` : String(reason);
  return Object.assign(runtimeError('Runtime.UnhandledPromiseRejection', message), { reason, promise });
}

module.exports = { runtimeError, errorDocument, fitting, loggable, unhandledRejection };
