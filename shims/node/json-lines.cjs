'use strict';
// What console.* writes where a function's logs are JSON: one object a line, as AWS's runtime interface client for Node.js makes them.
const { format } = require('node:util');

const SEVERITIES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/** Whether a level is less severe than the least that is kept; an unknown least keeps all. */
function below(level, least) {
  return SEVERITIES.indexOf(level) < SEVERITIES.indexOf(least);
}

function line({ level, requestId, args }) {
  const result = { timestamp: new Date().toISOString(), level, requestId };
  if (args.length === 1) {
    result.message = args[0];
    try {
      return JSON.stringify(result, (_key, value) => (value instanceof Error ? shown(value) : value));
    } catch {
      result.message = format(args[0]); // circular, a BigInt or the like
      return JSON.stringify(result);
    }
  }
  result.message = format(...args);
  const error = args.find((arg) => arg instanceof Error);
  if (error !== undefined) Object.assign(result, described(error));
  return JSON.stringify(result);
}

function shown(error) {
  return { ...described(error), ...error };
}

function described(error) {
  const { message, stack } = error;
  return {
    // The runtime's own errors have a name that is no class's.
    errorType: Object.hasOwn(error, 'name') ? error.name : (error.constructor?.name ?? 'UnknownError'),
    errorMessage: message,
    stackTrace: typeof stack === 'string' ? stack.split('\n') : [],
  };
}

module.exports = { below, line };
