'use strict';
// What a forked process must still be able to do.
const childProcess = require('node:child_process');
const crypto = require('node:crypto');
const dns = require('node:dns/promises');
const fs = require('node:fs/promises');
const http = require('node:http');
const v8 = require('node:v8');
const vm = require('node:vm');
const zlib = require('node:zlib');
const { promisify } = require('node:util');
const { Worker } = require('node:worker_threads');

const things = {
  async fetch() {
    const server = http.createServer((request, response) => response.end('over http'));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const text = await (await fetch(`http://127.0.0.1:${server.address().port}`)).text();
    server.closeAllConnections();
    server.close();
    return text;
  },
  files: async () => (await fs.readFile(__filename, 'utf8')).length > 100,
  names: async () => (await dns.lookup('localhost')).address !== '',
  keys: async () => (await promisify(crypto.pbkdf2)('a', 'b', 1000, 8, 'sha256')).length,
  zip: async () => zlib.gunzipSync(await promisify(zlib.gzip)('zipped')).toString(),
  exec: async () => (await promisify(childProcess.execFile)('echo', ['executed'])).stdout,
  execSync: async () => childProcess.execSync('echo synchronously').toString(),
  worker: () =>
    new Promise((resolve, reject) => {
      const messages = [];
      const worker = new Worker("require('node:worker_threads').parentPort.postMessage('from a worker')", { eval: true });
      worker.on('message', (message) => messages.push(message));
      worker.on('error', reject);
      worker.on('exit', (code) => resolve([...messages, code]));
    }),
  async collections() {
    v8.setFlagsFromString('--expose-gc');
    const collect = vm.runInNewContext('gc');
    for (let i = 0; i < 30; i++) collect();
    return 30;
  },
  async compiler() {
    const work = (n) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum = (sum + Math.sqrt(i) * (i % 7)) % 1e9;
      return sum;
    };
    for (let i = 0; i < 200; i++) work(5000);
    return work(10) > 0;
  },
};

exports.handler = async () => {
  const seen = {};
  for (const [name, run] of Object.entries(things)) seen[name] = await run();
  return seen;
};
