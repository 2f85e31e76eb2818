'use strict';
// A child's first steps after a fork, in the order that shims/README.md fixes. What belonged to the parent is closed by now.
const fs = require('node:fs');
const log = require('./log.cjs');
const native = require('./native.cjs');
const reseed = require('./reseed.cjs');
const { reopen } = require('./descriptors.cjs');
const { confine } = require('./confine.cjs');
const leftFiles = require('./left-files.cjs');
const { Link, connect, writeAll } = require('./link.cjs');
const { nowMs } = require('./monotonic.cjs');

/** Returns {link, token, unconfined, born}: a process of its own, connected and confined, with files of its own. Throws when a step fails. */
function takeFirstSteps(order, files) {
  redirectOutput(order);
  reopen(files);
  const link = Link.connect(order.socket);
  const connectedMs = nowMs();
  const unconfined = confine(order.confine);
  leftFiles.openOwn(files);
  const confinedMs = nowMs();
  becomeSomeoneElse();
  if (order.logStream !== null) nameAfter(order.logStream);
  const born = { takenMs: order.takenMs, forkedMs: order.forkedMs, connectedMs, confinedMs };
  return { link, token: order.token, unconfined, born };
}

/** Makes the log socket stdout and stderr. */
function redirectOutput({ logSocket, token }) {
  const inherited = log.privateFd();
  if (inherited > 2) fs.closeSync(inherited);
  const fd = connect(logSocket);
  writeAll(fd, Buffer.from(`${token}\n`));
  native.check('dup2', native.dup2(fd, 1));
  native.check('dup2', native.dup2(fd, 2));
  fs.closeSync(fd);
  log.keepPrivate();
}

/** Node.js caches the pid; process.ppid and os.hostname() it asks for each time. */
function becomeSomeoneElse() {
  reseed.reseed();
  Object.defineProperty(process, 'pid', { value: native.getpid(), writable: false, enumerable: true, configurable: true });
}

/** The names that were those of the instance which ran the init phase. */
function nameAfter(logStream) {
  const { env } = process;
  const id = (stream) => stream?.slice(-32);
  const database = `hearth:${id(env.AWS_LAMBDA_LOG_STREAM_NAME)}`;
  env.AWS_LAMBDA_LOG_STREAM_NAME = logStream;
  if (env.PGAPPNAME === database) env.PGAPPNAME = `hearth:${id(logStream)}`; // sessions of PostgreSQL, unless the function names them
}

module.exports = { redirectOutput, takeFirstSteps, becomeSomeoneElse };
