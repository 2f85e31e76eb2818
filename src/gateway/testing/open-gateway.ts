import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Server } from 'node:http';
import type { Dispatched } from '../../dispatch/dispatcher.ts';
import { systemClock } from '../../lib/clock.ts';
import { randomIds } from '../../lib/ids.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import type { Invocation } from '../../model/invocation.ts';
import { aVersion } from '../../model/testing/a-version.ts';
import { createLogger } from '../../observe/logger.ts';
import type { Found } from '../directory.ts';
import { hostCheck } from '../host-check.ts';
import { createGateway, type GatewayDeps } from '../server.ts';
import { UnderWay } from '../under-way.ts';

/** For tests: a gateway on a port of the loopback, before functions that are played by `handle`. */
export interface OpenedGateway {
  readonly server: Server;
  readonly port: number;
  /** A connection that has been told to say something; what it was answered grows in `text`. */
  readonly say: (words: string) => { readonly socket: Socket; readonly text: () => string };
  close(): Promise<void>;
}

/** What a test plays: what each invocation returns, and the URL that the one function has now. */
interface Played {
  readonly handle?: (invocation: Invocation) => Promise<string>;
  readonly url?: () => FunctionVersion['url'];
  readonly deps?: Partial<GatewayDeps>;
  /** Where it listens. */
  readonly host?: string;
}

/** For tests: opens one. Every name is the same function's. */
export async function openGateway({
  handle = async () => '"done"',
  url = () => ({ auth: 'NONE' }),
  deps,
  host = '127.0.0.1',
}: Played = {}): Promise<OpenedGateway> {
  const version = aVersion({ name: 'f' });
  const found: Found = { version, qualifier: null };
  const server = createGateway({
    ids: randomIds,
    hosts: hostCheck([]),
    log: createLogger('silent'),
    underWay: new UnderWay(),
    services: [],
    control: (_request, response) => void response.end(),
    clock: systemClock,
    payloadBytes: 6 << 20,
    streamBytes: 20 << 20,
    eventBytes: 1 << 20,
    intake: { accept: async () => {} },
    chains: { ofFunctions: () => false, mayLoop: () => true },
    rates: { take() {} } as unknown as GatewayDeps['rates'],
    directory: { resolve: () => found, requireReady() {}, url: () => ({ ...found, url: url() }) },
    dispatcher: { invoke: async (_version, invocation) => answer(invocation, await handle(invocation)) } as GatewayDeps['dispatcher'],
    ...deps,
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    say(words) {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      let heard = '';
      socket.setEncoding('latin1').on('data', (text: string) => (heard += text));
      socket.on('error', () => {}); // cut off
      socket.write(words);
      return { socket, text: () => heard };
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function answer({ requestId }: Invocation, body: string): Dispatched {
  const usage = { coldRung: null, coldMs: 0, durationMs: 1 } as unknown as Dispatched['usage'];
  return { body: Buffer.from(body), error: null, executedVersion: '$LATEST', requestId, logTail: null, usage };
}
