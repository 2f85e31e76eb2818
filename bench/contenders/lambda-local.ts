import { join } from 'node:path';
import { type Contender, EVENT } from './contender.ts';
import { PEERS, peerFile, peerVersion, startPeer } from './package.ts';

export const lambdaLocal: Contender = {
  name: 'lambda-local',
  get version() {
    return peerVersion('lambda-local');
  },
  cold: 'call',
  coldIs: 'the tool is up; the first call loads the handler into its process',
  lacks: "isolation, scale out, memory limits, a bill: it is one function in the tool's own process; a development tool",
  start: (surroundings) =>
    startPeer(
      {
        command: (port) => [
          process.execPath,
          '--require',
          join(PEERS, 'loopback.cjs'),
          peerFile('lambda-local/build/cli.js'),
          '--lambda-path=echo/lambda.cjs',
          `--watch=${port}`,
          '--verboselevel=0',
        ],
        path: '/',
        body: { event: EVENT }, // anything else it wraps in an API Gateway event
      },
      surroundings,
    ),
};
