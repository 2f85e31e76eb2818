import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readReturned } from '../../src/runtimes/call-frames.ts';
import {
  Frame,
  logMark,
  PROTOCOL_VERSION,
  type AnswerEnd,
  type ChildExited,
  type ConfineStep,
  type Forked,
  type FunctionOrder,
  type Hello,
  type InitDone,
  type InitError,
  type InvokeHeader,
} from '../../src/runtimes/protocol.ts';

/** Repository root, seen from dist/test/scenarios. */
export const root = path.resolve(import.meta.dirname, '../../..');
const shim = path.join(root, 'shims/node/main.cjs');
const interpreterFlags = ['--single-threaded', '--no-memory-reducer', '--no-flush-bytecode'];

interface FrameIn {
  readonly type: number;
  readonly request: number;
  readonly payload: Buffer;
}

function frame(type: number, request: number, payload: unknown): Buffer {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
  const header = Buffer.alloc(9);
  header.writeUInt32BE(bytes.length + 5, 0);
  header[4] = type;
  header.writeUInt32BE(request, 5);
  return Buffer.concat([header, bytes]);
}

/** One process of the shim, as the host sees it. */
export class Peer {
  readonly hello: Hello;
  readonly frames: FrameIn[] = [];
  closed = false;
  private readonly socket: Socket;
  private pending: Buffer[] = [];
  private wake: (() => void) | null = null;

  constructor(socket: Socket, hello: Hello, rest: Buffer) {
    this.socket = socket;
    this.hello = hello;
    this.push(rest);
    socket.on('data', (chunk) => this.push(chunk));
    socket.on('close', () => {
      this.closed = true;
      this.wake?.();
    });
  }

  private push(chunk: Buffer): void {
    this.pending.push(chunk);
    let buffer = Buffer.concat(this.pending);
    while (buffer.length >= 9 && buffer.length >= buffer.readUInt32BE(0) + 4) {
      const end = buffer.readUInt32BE(0) + 4;
      this.frames.push({ type: buffer[4]!, request: buffer.readUInt32BE(5), payload: buffer.subarray(9, end) });
      buffer = buffer.subarray(end);
    }
    this.pending = buffer.length > 0 ? [buffer] : [];
    this.wake?.();
  }

  send(type: number, request: number, payload: unknown): void {
    this.socket.write(frame(type, request, payload));
  }

  /** Takes the first frame that `wanted` accepts out of what has come; null when the connection ended without one. */
  async take(wanted: (frame: FrameIn) => boolean, stop?: AbortSignal): Promise<FrameIn | null> {
    for (;;) {
      if (stop?.aborted) return null;
      const index = this.frames.findIndex(wanted);
      if (index >= 0) return this.frames.splice(index, 1)[0]!;
      if (this.closed) return null;
      await new Promise<void>((resolve) => {
        const before = this.wake;
        this.wake = () => {
          before?.();
          resolve();
        };
      });
    }
  }

  async json<T>(...types: number[]): Promise<T> {
    const found = await this.take(({ type }) => types.includes(type));
    if (found === null) throw new Error(`${this.hello.token}: connection closed while waiting for ${types.join(' or ')}`);
    return JSON.parse(found.payload.toString()) as T;
  }

  welcome(role: 'zygote' | 'instance'): void {
    this.send(Frame.welcome, 0, { protocol: PROTOCOL_VERSION, role });
  }

  close(): void {
    this.socket.destroy();
  }
}

export interface Outcome {
  readonly end: AnswerEnd | null;
  readonly body: string;
}

let requests = 0;

export const header = (over: Partial<InvokeHeader> = {}): InvokeHeader => ({
  requestId: randomUUID(),
  deadlineMs: Date.now() + 60_000,
  invokedArn: 'arn:aws:lambda:us-east-1:000000000000:function:test',
  traceId: 'Root=1-2-3',
  clientContext: '',
  lineage: '',
  attempt: 1,
  bytes: 0,
  ...over,
});

/** Invokes and grants window as bytes arrive. `end` is null when the process died without an answer. */
export async function invoke(peer: Peer, event: unknown, over: Partial<InvokeHeader> = {}): Promise<Outcome> {
  const request = ++requests;
  const bytes = Buffer.from(JSON.stringify(event));
  peer.send(Frame.invoke, request, header({ bytes: bytes.length, ...over }));
  for (let at = 0; at < bytes.length; at += 262144) peer.send(Frame.event, request, bytes.subarray(at, at + 262144));
  peer.send(Frame.eventEnd, request, Buffer.alloc(0));
  return collect(peer, request);
}

const ANSWERS: ReadonlySet<number> = new Set([Frame.answer, Frame.answerEnd, Frame.returned]);

async function collect(peer: Peer, request: number): Promise<Outcome> {
  const chunks: Buffer[] = [];
  for (;;) {
    const found = await peer.take((next) => next.request === request && ANSWERS.has(next.type));
    if (found === null) return { end: null, body: Buffer.concat(chunks).toString() };
    if (found.type === Frame.returned) {
      const { answer, ...end } = readReturned(found.payload);
      return { end: { errorType: null, ...end }, body: answer.toString() };
    }
    if (found.type === Frame.answerEnd)
      return { end: JSON.parse(found.payload.toString()) as AnswerEnd, body: Buffer.concat(chunks).toString() };
    chunks.push(found.payload);
    const credit = Buffer.alloc(4);
    credit.writeUInt32BE(found.payload.length);
    peer.send(Frame.credit, request, credit);
  }
}

/** A host: listens for processes and for their logs, starts a zygote and forks. Leaves nothing behind after `close`. */
export class Host {
  readonly logs = new Map<string, string>();
  private readonly waiting = new Map<string, (peer: Peer) => void>();
  private readonly sockets = new Set<Socket>();
  private readonly servers: Server[] = [];
  private readonly children: ReturnType<typeof spawn>[] = [];
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async start(): Promise<Host> {
    const host = new Host(await mkdtemp(path.join(tmpdir(), 'hearth-node-shim-')));
    await host.listen('socket', (socket) => host.greet(socket));
    await host.listen('logs', (socket) => host.collectLog(socket));
    return host;
  }

  private async listen(name: string, accept: (socket: Socket) => void): Promise<void> {
    const server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.sockets.delete(socket));
      accept(socket);
    });
    this.servers.push(server);
    server.listen(path.join(this.directory, name));
    await once(server, 'listening');
  }

  private greet(socket: Socket): void {
    let buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      buffer = Buffer.concat([buffer, chunk]);
      if (buffer.length < 9 || buffer.length < buffer.readUInt32BE(0) + 4) return;
      socket.off('data', onData);
      const end = buffer.readUInt32BE(0) + 4;
      const hello = JSON.parse(buffer.subarray(9, end).toString()) as Hello;
      this.waiting.get(hello.token)?.(new Peer(socket, hello, buffer.subarray(end)));
    };
    socket.on('data', onData);
  }

  private collectLog(socket: Socket): void {
    let text = '';
    let token: string | null = null;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (token === null && end >= 0) {
        token = text.slice(0, end);
        text = text.slice(end + 1);
      }
      if (token !== null) this.logs.set(token, text);
    });
  }

  private expect(token: string): Promise<Peer> {
    return new Promise((resolve) => this.waiting.set(token, resolve));
  }

  /** Spawns the shim; its output is collected under its token. */
  async spawn(
    flags: readonly string[] = interpreterFlags,
    { interpreter = process.execPath, environment = {} }: { interpreter?: string; environment?: Record<string, string> } = {},
  ): Promise<Peer> {
    const token = randomUUID();
    const child = spawn(interpreter, [...flags, shim], {
      env: { ...environment, HEARTH_SOCKET: path.join(this.directory, 'socket'), HEARTH_TOKEN: token },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.children.push(child);
    this.logs.set(token, '');
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.logs.set(token, this.logs.get(token) + text));
    }
    return this.expect(token);
  }

  async zygote(interpreter?: string): Promise<Peer> {
    const zygote = await this.spawn(interpreterFlags, interpreter === undefined ? {} : { interpreter });
    zygote.welcome('zygote');
    return zygote;
  }

  /** Orders a fork. `forked` is the answer, `greeted` the child, once it has said hello. */
  forkOrder(
    parent: Peer,
    logStream: string | null,
    o: { readonly confine: readonly ConfineStep[]; readonly practised?: boolean },
  ): { token: string; forked: Promise<Forked>; greeted: Promise<Peer> } {
    const token = randomUUID();
    const greeted = this.expect(token);
    const request = ++requests;
    parent.send(Frame.fork, request, {
      token,
      socket: path.join(this.directory, 'socket'),
      logSocket: path.join(this.directory, 'logs'),
      confine: o.confine,
      logStream,
      practised: o.practised ?? false,
    });
    const answered = async (): Promise<Forked> => {
      const answer = await parent.take((next) => next.request === request);
      if (answer?.type !== Frame.forked) throw new Error(`not forked: ${answer?.payload.toString()}`);
      return JSON.parse(answer.payload.toString()) as Forked;
    };
    return { token, forked: answered(), greeted };
  }

  async fork(parent: Peer, logStream: string | null = null, confine: readonly ConfineStep[] = [{ op: 'setsid' }]): Promise<Peer> {
    const { token, forked, greeted } = this.forkOrder(parent, logStream, { confine });
    const { pid } = await forked;
    const stop = new AbortController();
    const ended = parent.take(({ type, payload }) => type === Frame.childExited && JSON.parse(payload.toString()).pid === pid, stop.signal);
    const peer = await Promise.race([greeted, ended]);
    stop.abort();
    if (peer instanceof Peer) return peer;
    await new Promise((resolve) => setTimeout(resolve, 100)); // its last words are on their way
    const said = [token, parent.hello.token].map((one) => this.logs.get(one) ?? '').join('');
    throw new Error(`the child ended before its greeting (${peer?.payload.toString()}): ${said}`);
  }

  /** What `token` has printed, once it contains `text`. */
  async logged(token: string, text: RegExp): Promise<string> {
    for (;;) {
      const log = this.logs.get(token) ?? '';
      if (text.test(log)) return log;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Lets processes of any uid connect. */
  async open(): Promise<void> {
    await chmod(this.directory, 0o755);
    for (const name of ['socket', 'logs']) await chmod(path.join(this.directory, name), 0o666);
  }

  /** Forks an instance that is ready to be invoked. */
  async instance(snapshot: Peer, logStream = '2026/01/01/[$LATEST]abc'): Promise<Peer> {
    const peer = await this.fork(snapshot, logStream);
    peer.welcome('instance');
    return peer;
  }

  /** Runs a function's init phase on `peer` (a fresh child of a zygote, or spawned). */
  async initialise(peer: Peer, functionName: string, over: Partial<FunctionOrder> = {}): Promise<InitDone | InitError> {
    const order: FunctionOrder = {
      handler: 'index.handler',
      taskRoot: path.join(root, 'test/functions', functionName),
      dependencyRoot: null,
      environment: { AWS_LAMBDA_FUNCTION_NAME: functionName, PATH: process.env.PATH ?? '', TZ: ':UTC' },
      functionName,
      functionVersion: '$LATEST',
      memoryMb: 128,
      logGroup: `/aws/lambda/${functionName}`,
      logStream: 'plain-stream',
      concurrency: 1,
      snapshot: true,
      wrapped: false,
      answerBytes: 6 * 1024 * 1024,
      rehearsal: null,
      awaited: false,
      ...over,
    };
    peer.send(Frame.welcome, 0, { protocol: PROTOCOL_VERSION, role: 'function', ...order });
    return peer.json<InitDone | InitError>(Frame.initDone, Frame.initError);
  }

  /** How `child` of `parent` ended. */
  async childExited(parent: Peer, child: Peer): Promise<ChildExited> {
    const found = await parent.take(
      ({ type, payload }) => type === Frame.childExited && JSON.parse(payload.toString()).pid === child.hello.pid,
    );
    if (found === null) throw new Error('the parent ended before its child');
    return JSON.parse(found.payload.toString()) as ChildExited;
  }

  /** What `peer` has printed up to the end of an invocation: up to its mark, or all there is when none was needed. */
  async logOf(peer: Peer, requestId: string, { end }: Outcome): Promise<string> {
    const { token } = peer.hello;
    if (end?.marked === false) return this.logs.get(token) ?? '';
    const mark = `${logMark(token)}${requestId}\n`;
    for (;;) {
      const text = this.logs.get(token) ?? '';
      if (text.includes(mark)) return text.slice(0, text.indexOf(mark));
      if (peer.closed) throw new Error(`no mark of ${requestId} in ${JSON.stringify(text)}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async close(): Promise<void> {
    const ended = this.children.filter((child) => child.exitCode === null && child.signalCode === null).map((child) => once(child, 'exit'));
    for (const socket of this.sockets) socket.destroy();
    for (const server of this.servers) server.close();
    await Promise.all(ended);
    await rm(this.directory, { recursive: true, force: true });
  }
}
