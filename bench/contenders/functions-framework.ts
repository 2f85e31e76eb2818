import { join } from 'node:path';
import type { Contender } from './contender.ts';
import { PEERS, peerFile, peerVersion, startPeer } from './package.ts';

export const functionsFramework: Contender = {
  name: 'functions-framework',
  get version() {
    return peerVersion('@google-cloud/functions-framework');
  },
  cold: 'process',
  coldIs: 'the process starts, with the function in it',
  lacks: 'scale to zero or out, isolation, a timeout, a bill: it is one function in one always-on process (Cloud Run adds them)',
  start: (surroundings) =>
    startPeer(
      {
        command: (port) => [
          process.execPath,
          '--require',
          join(PEERS, 'loopback.cjs'),
          peerFile('@google-cloud/functions-framework/build/src/main.js'),
          '--source=echo/framework.cjs',
          '--target=echo',
          `--port=${port}`,
        ],
        path: '/',
      },
      surroundings,
    ),
};
