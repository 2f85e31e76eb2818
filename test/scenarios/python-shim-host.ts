import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Frame, PROTOCOL_VERSION, type ConfineStep, type FunctionOrder, type Hello, type Welcome } from '../../src/runtimes/protocol.ts';
import { ShimConnection } from './python-shim-connection.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const MAIN = join(ROOT, 'shims/python/main.py');

/** The interpreter the scenarios run with. */
export const PYTHON = process.env['HEARTH_TEST_PYTHON'] ?? 'python3';

/** Folder of a fixture. */
export function fixture(name: string): string {
  return join(ROOT, 'test/functions', name);
}

/** A small host: just enough to hold a conversation with real shims. */
export class ShimHost {
  readonly #folder = mkdtempSync(join(tmpdir(), 'hearth-shim-'));
  readonly #socketPath = join(this.#folder, 'main.sock');
  readonly #logPath = join(this.#folder, 'log.sock');
  readonly #servers: Server[] = [];
  readonly #greetings = new Map<string, (connection: ShimConnection) => void>();
  readonly #logs = new Map<string, Log>();
  readonly #spawned: ChildProcess[] = [];
  readonly #sockets = new Set<Socket>();

  static async open(): Promise<ShimHost> {
    const host = new ShimHost();
    chmodSync(host.#folder, 0o711);
    await host.#listen(host.#socketPath, (socket) => {
      const connection = new ShimConnection(socket);
      const greet = (frame: { payload: Buffer }): void => {
        connection.hello = JSON.parse(frame.payload.toString()) as Hello;
        host.#greetings.get(connection.hello.token)?.(connection);
      };
      connection.next(Frame.hello).then(greet, () => {}); // a child may end before it greets
    });
    await host.#listen(host.#logPath, (socket) => host.#readLog(socket));
    return host;
  }

  /** Spawns a shim process; resolves when it has greeted. */
  async spawn(environment: Record<string, string> = {}): Promise<Shim> {
    const token = randomUUID();
    const greeted = this.#expect(token);
    const log = new Log();
    const child = spawn(PYTHON, ['-u', MAIN], {
      env: { ...environment, PATH: process.env['PATH'] ?? '', HEARTH_SOCKET: this.#socketPath, HEARTH_TOKEN: token },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (data: Buffer) => log.push(data));
    child.stderr.on('data', (data: Buffer) => log.push(data));
    this.#spawned.push(child);
    return new Shim(await greeted, log);
  }

  /** Has a zygote or snapshot fork; resolves when the child has greeted. */
  async fork(parent: Shim, options: { logStream?: string; confine?: readonly ConfineStep[] } = {}): Promise<Shim> {
    const token = randomUUID();
    const greeted = this.#expect(token);
    const log = new Log();
    this.#logs.set(token, log);
    const request = parent.connection.newRequest();
    parent.connection.sendJson(Frame.fork, request, {
      token,
      socket: this.#socketPath,
      logSocket: this.#logPath,
      confine: options.confine ?? [],
      logStream: options.logStream ?? null,
      practised: false,
    });
    return new Shim(await greeted, log);
  }

  /** A zygote, welcomed. */
  async zygote(): Promise<Shim> {
    const shim = await this.spawn();
    shim.welcome({ protocol: PROTOCOL_VERSION, role: 'zygote' });
    return shim;
  }

  /** An instance of a snapshot, welcomed. */
  async instance(snapshot: Shim, options: { logStream?: string; confine?: readonly ConfineStep[] } = {}): Promise<Shim> {
    const shim = await this.fork(snapshot, options);
    shim.welcome({ protocol: PROTOCOL_VERSION, role: 'instance' });
    return shim;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) await new Promise((resolve) => server.close(resolve));
    for (const child of this.#spawned) child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #expect(token: string): Promise<ShimConnection> {
    return new Promise((resolve) => this.#greetings.set(token, resolve));
  }

  #readLog(socket: Socket): void {
    let head = Buffer.alloc(0);
    let log: Log | null = null;
    socket.on('data', (data: Buffer) => {
      if (log !== null) return log.push(data);
      head = Buffer.concat([head, data]);
      const end = head.indexOf(10);
      if (end < 0) return;
      log = this.#logs.get(head.subarray(0, end).toString()) ?? new Log();
      log.push(head.subarray(end + 1));
    });
    socket.on('error', () => {});
  }

  async #listen(path: string, accept: (socket: Socket) => void): Promise<void> {
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      accept(socket);
    });
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    chmodSync(path, 0o777); // for children with another uid
  }
}

/** What a process has printed so far. */
export class Log {
  text = '';
  #waiting: { part: string; done: () => void }[] = [];

  push(data: Buffer): void {
    this.text += data.toString();
    this.#waiting = this.#waiting.filter(({ part, done }) => {
      if (!this.text.includes(part)) return true;
      done();
      return false;
    });
  }

  /** Resolves when `part` has been printed. */
  async has(part: string): Promise<void> {
    if (!this.text.includes(part)) await new Promise<void>((done) => this.#waiting.push({ part, done }));
  }
}

export interface Result {
  readonly errorType: string | null;
  readonly body: Buffer;
  readonly handlerMs: number;
  readonly peakMemoryBytes: number;
  readonly marked: boolean;
  readonly heavy?: boolean;
}

/** One shim process as the host sees it. */
export class Shim {
  readonly connection: ShimConnection;
  readonly log: Log;

  constructor(connection: ShimConnection, log: Log) {
    this.connection = connection;
    this.log = log;
  }

  get hello(): Hello {
    if (this.connection.hello === null) throw new Error('has not greeted');
    return this.connection.hello;
  }

  welcome(welcome: Welcome): void {
    this.connection.sendJson(Frame.welcome, 0, welcome);
  }

  /** Welcomes as a function; the answer is `initDone` or `initError`. */
  async init(order: Partial<FunctionOrder> & { taskRoot: string }): Promise<{ ok: boolean; report: Record<string, unknown> }> {
    this.welcome({ protocol: PROTOCOL_VERSION, role: 'function', ...DEFAULT_ORDER, ...order });
    const frame = await this.connection.next(Frame.initDone, Frame.initError);
    return { ok: frame.type === Frame.initDone, report: JSON.parse(frame.payload.toString()) as Record<string, unknown> };
  }

  /** Runs one invocation with an event of JSON. */
  call(event: unknown, header: Record<string, unknown> = {}): Promise<Result> {
    return this.connection.call(Buffer.from(JSON.stringify(event)), header);
  }

  /** Runs one invocation; gives back what the handler returned. */
  async value(event: unknown, header: Record<string, unknown> = {}): Promise<any> {
    const result = await this.call(event, header);
    if (result.errorType !== null) throw new Error(result.body.toString());
    return JSON.parse(result.body.toString());
  }
}

const DEFAULT_ORDER: FunctionOrder = {
  handler: 'lambda_function.lambda_handler',
  taskRoot: '/',
  dependencyRoot: null,
  environment: {
    AWS_LAMBDA_FUNCTION_NAME: 'demo',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/demo',
    AWS_LAMBDA_LOG_STREAM_NAME: 'first',
    PATH: process.env['PATH'] ?? '',
  },
  functionName: 'demo',
  functionVersion: '$LATEST',
  memoryMb: 128,
  logGroup: '/aws/lambda/demo',
  logStream: 'first',
  concurrency: 1,
  snapshot: true,
  wrapped: false,
  answerBytes: 6 * 1024 * 1024,
  rehearsal: null,
  awaited: false,
};

/** The environment every scenario starts from. */
export const ENVIRONMENT = DEFAULT_ORDER.environment;
