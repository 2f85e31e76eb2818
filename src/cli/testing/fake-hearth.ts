import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readAll } from '../../client/body.ts';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type Reply = (seen: Seen, response: ServerResponse) => void | Promise<void>;

/** A real HTTP server that answers as docs/reference/own-api.md says, from routes a test gives. */
export interface FakeHearth extends AsyncDisposable {
  readonly endpoint: string;
  /** All requests so far. */
  readonly seen: Seen[];
  /** Answers of `METHOD /path`; the test may replace them while it runs. */
  readonly routes: Map<string, Reply>;
  close(): Promise<void>;
}

export async function fakeHearth(routes: Readonly<Record<string, Reply>> = {}): Promise<FakeHearth> {
  const seen: Seen[] = [];
  const table = new Map(Object.entries({ ...standard(), ...routes }));
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://fake');
      const entry = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: await readAll(request),
      };
      seen.push(entry);
      const reply = table.get(`${entry.method} ${entry.path}`);
      if (reply) await reply(entry, response);
      else json(response, 404, { errorType: 'ResourceNotFoundException', message: `Function not found: ${entry.path}` });
    })();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    routes: table,
    close,
    [Symbol.asyncDispose]: close,
  };
}

export function json(response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}

export function lines(response: ServerResponse, values: readonly unknown[]): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(values.map((v) => `${JSON.stringify(v)}\n`).join(''));
}

/** What a successful deployment of `name` says last. */
export function deployedLine(name: string, more: object = {}): object {
  return {
    deployed: {
      functionName: name,
      version: '$LATEST',
      revisionId: '11111111-2222-4333-8444-555555555555',
      functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
      created: true,
      unchanged: false,
      url: `http://127.0.0.1:8420/fn/${name}/`,
      warnings: [],
      initError: null,
      init: { durationMs: 12.3, slowestModules: [], unforkable: null },
      ...more,
    },
  };
}

function standard(): Record<string, Reply> {
  return {
    'GET /healthz': (_, response) => void response.end('ok'),
    'POST /hearth/v1/sources': (seen, response) => json(response, 201, { source: 'ab'.repeat(32), bytes: seen.body.length }),
  };
}
