'use strict';
// Whether an initialised process may be forked: nothing may be alive in it that a fork would tear apart.
const fs = require('node:fs');
const { performance } = require('node:perf_hooks');
const native = require('./native.cjs');

/** Longest wait for what is under way. The host's limit for the init phase is usually shorter. */
const SETTLE_MS = 10_000;
const SETTLE_STEP_MS = 1;
const QUIET_TURNS = 3;

const threads = () => fs.readdirSync('/proc/self/task');

function sockets() {
  const found = new Map(); // fd -> socket:[inode]
  for (const fd of fs.readdirSync('/proc/self/fd')) {
    try {
      const link = fs.readlinkSync(`/proc/self/fd/${fd}`);
      if (link.startsWith('socket:')) found.set(fd, link);
    } catch {
      // the descriptor that readdir itself used
    }
  }
  return found;
}

function children() {
  const found = [];
  for (const thread of threads()) {
    try {
      found.push(...fs.readFileSync(`/proc/self/task/${thread}/children`, 'latin1').split(' ').filter(Boolean));
    } catch {
      // the thread has just ended
    }
  }
  return found;
}

/** What is there before user code runs. */
function baseline() {
  return { threads: new Set(threads()), sockets: new Set(sockets().values()) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Waits for what the init phase left under way without awaiting it: files, name lookups, native work, models that load in the next
 * turn of the loop. What would end them is lost in a fork, and what they make would be made in each instance again.
 * Timers may stay: each instance has its own copy of them.
 */
async function settle() {
  const deadline = performance.now() + SETTLE_MS;
  for (let quiet = 0; quiet < QUIET_TURNS && performance.now() < deadline;) {
    await turn(); // rejections that nobody handled get known here, too
    const busy = native.pendingRequests() > 0 || process.getActiveResourcesInfo().includes('Immediate');
    quiet = busy ? 0 : quiet + 1;
    if (busy) await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP_MS));
  }
}

const plural = (count, noun) => `${count} ${count === 1 ? noun : noun.endsWith('ch') || noun.endsWith('s') ? `${noun}es` : `${noun}s`}`;

const loaded = (name) => Object.keys(require.cache).some((file) => file.includes(`/node_modules/${name}/`));

function threadAdvice() {
  if (loaded('onnxruntime-node'))
    return 'onnxruntime-node is loaded: create its sessions with intraOpNumThreads: 1 and interOpNumThreads: 1';
  if (loaded('sharp')) return 'sharp is loaded: use it in the handler only, not during init';
  return 'stop worker threads before init ends, set native libraries to one thread, or start them in the handler';
}

const socketAdvice = 'close connections and servers before init ends, or open them in the handler';

/** Null when the process may be forked; else a sentence that names what was found and what to change. */
function whyNot(before) {
  const reasons = [];
  const extraThreads = threads().filter((thread) => !before.threads.has(thread)).length;
  if (extraThreads > 0) reasons.push(`init left ${plural(extraThreads, 'thread')} running (${threadAdvice()})`);
  const extraSockets = [...sockets().values()].filter((socket) => !before.sockets.has(socket)).length;
  if (extraSockets > 0) reasons.push(`init left ${plural(extraSockets, 'socket')} open (${socketAdvice})`);
  const processes = children().length;
  if (processes > 0)
    reasons.push(`init left ${plural(processes, 'process')} running (end them before init ends, or start them in the handler)`);
  const pending = native.pendingRequests();
  if (pending > 0 && reasons.length === 0)
    reasons.push(`init left ${plural(pending, 'operation')} unfinished after ${SETTLE_MS / 1000} s (await them during init)`);
  return reasons.length === 0 ? null : reasons.join('; ');
}

module.exports = { baseline, settle, whyNot };
