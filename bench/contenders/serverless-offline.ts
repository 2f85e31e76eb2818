import type { Contender } from './contender.ts';
import { freePort, peerFile, peerVersion, startPeer } from './package.ts';

/** By its Lambda endpoint, as Hearth is: its API Gateway is not what is compared. */
export const serverlessOffline: Contender = {
  name: 'serverless-offline',
  get version() {
    return `${peerVersion('serverless-offline')} (serverless ${peerVersion('serverless')})`;
  },
  cold: 'call',
  coldIs: 'the tool is up; the first call makes a worker thread and loads the handler',
  lacks: 'isolation (worker threads of one process), memory limits, a bill; a development tool',
  start: (surroundings) =>
    startPeer(
      {
        command: async (port) => {
          const [http, alb, websocket] = [await freePort(), await freePort(), await freePort()];
          const ports = ['--lambdaPort', port, '--httpPort', http, '--albPort', alb, '--websocketPort', websocket].map(String);
          return [process.execPath, peerFile('serverless/bin/serverless.js'), 'offline', '--host', '127.0.0.1', '--noSponsor', ...ports];
        },
        path: '/2015-03-31/functions/echo-dev-echo/invocations',
      },
      surroundings,
    ),
};
