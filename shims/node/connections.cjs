'use strict';
// Connections that the init phase has done with but that a pool keeps open for next time: closed before a fork, as their server
// might do at any moment. Those in use stay, and forbid forking.
const http = require('node:http');
require('node:https'); // loaded in the zygote, shared by all who need it

const DISPATCHER = Symbol.for('undici.globalDispatcher.1');
const CLOSE_MS = 200;

/** Watches all http agents, whoever made them. Returns {closeIdle, stop}. */
function watchConnections() {
  const kept = new Set();
  const original = http.Agent.prototype.keepSocketAlive;
  const watched = function (socket) {
    kept.add(socket);
    return original.call(this, socket);
  };
  http.Agent.prototype.keepSocketAlive = watched;
  return {
    async closeIdle() {
      const closing = [...kept].filter((socket) => !socket.destroyed && !socket._httpMessage);
      const closed = closing.map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy()));
      await within(CLOSE_MS, Promise.all([...closed, closeFetch()]));
    },
    stop() {
      if (http.Agent.prototype.keepSocketAlive === watched) http.Agent.prototype.keepSocketAlive = original;
    },
  };
}

/** fetch() keeps its connections in a dispatcher of Node.js's own; one that the function has set comes from the undici package, and is its business. */
async function closeFetch() {
  const dispatcher = globalThis[DISPATCHER];
  if (dispatcher === undefined || Object.keys(require.cache).some((file) => file.includes('/node_modules/undici/'))) return;
  globalThis[DISPATCHER] = new dispatcher.constructor();
  await dispatcher.close();
}

const within = (ms, promise) => Promise.race([promise, new Promise((resolve) => setTimeout(resolve, ms).unref())]);

module.exports = { watchConnections };
