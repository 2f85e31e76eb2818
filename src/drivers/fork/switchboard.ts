import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { deferred } from '../../lib/deferred.ts';
import { FrameError, decodeJson, type OnFrame } from '../../runtimes/frames.ts';
import { Frame, PROTOCOL_VERSION } from '../../runtimes/protocol.ts';
import type { Hello } from '../../runtimes/protocol.ts';
import { readHello } from './hello.ts';
import type { LogStream } from './log-stream.ts';
import { Peer } from './peer.ts';

/** What a Unix socket's path may have, its closing zero excluded (sun_path; macOS has 104). */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
const MAX_TOKEN_BYTES = 128;
/** Longest greeting: a token, a few names, and a sentence for each step of confinement that failed. */
const GREETING_BYTES = 16 * 1024;
/**
 * Most connections, of one socket, that have not greeted yet; a further one takes the place of the oldest. Ours greet within milliseconds, so that what
 * has waited longest is a stranger's. More than the kernel lets wait: none of ours goes for those that came at once with it.
 */
const MOST_STRANGERS = 1_536;
const BACKLOG = 1_024;

export interface Greeted {
  readonly peer: Peer;
  readonly hello: Hello;
}

/** A process that is expected to connect. */
export interface Expected {
  /** Rejects when it greets in a version that is not ours, or with what is no greeting. Never settles by itself otherwise. */
  readonly greeted: Promise<Greeted>;
  /** No longer expected: its token is worth nothing. */
  cancel(): void;
}

/**
 * The two sockets on which processes report: one for frames, one for what they print. A token lets one process in, once on each;
 * whoever comes without is shown out, and so is who greets too slowly, or with more than a greeting. Any process of a function can connect.
 */
export class Switchboard {
  readonly socketPath: string;
  readonly logPath: string;
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #greetingMs: number;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #strangers = { frames: new Set<Socket>(), logs: new Set<Socket>() };
  readonly #mostStrangers: number;
  readonly #expected = new Map<string, { resolve(greeted: Greeted): void; reject(error: Error): void }>();
  readonly #logs = new Map<string, LogStream>();

  constructor(directory: string, options: { clock: Clock; greetingMs: number; mostStrangers?: number }) {
    this.#directory = directory;
    this.#clock = options.clock;
    this.#greetingMs = options.greetingMs;
    this.#mostStrangers = options.mostStrangers ?? MOST_STRANGERS;
    this.socketPath = join(directory, 'main');
    this.logPath = join(directory, 'log');
    if (Buffer.byteLength(this.socketPath) > MAX_PATH_BYTES) {
      throw new HearthError(
        'ServiceException',
        `run directory ${directory} is too long for a socket's path (${MAX_PATH_BYTES} bytes); choose a shorter one`,
      );
    }
  }

  async open(): Promise<void> {
    mkdirSync(this.#directory, { recursive: true, mode: 0o711 });
    chmodSync(this.#directory, 0o711); // processes of other users connect; none may list
    await this.#listen(this.socketPath, (socket) => this.#admit(socket));
    await this.#listen(this.logPath, (socket) => this.#admitLog(socket));
  }

  /** Expects a process that greets with `token`, and its log; until that has ended. */
  expect(token: string, log: LogStream): Expected {
    const { promise, resolve, reject } = deferred<Greeted>();
    promise.catch(() => {}); // whoever expects may have given up by then
    this.#expected.set(token, { resolve, reject });
    this.#logs.set(token, log);
    const cancel = (): void => {
      this.#expected.delete(token);
      this.#logs.delete(token);
    };
    void log.closed.then(cancel);
    return { greeted: promise, cancel };
  }

  async close(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Somebody connected who has not said who they are; call what is returned when they have, or are gone. */
  #stranger(socket: Socket, among: Set<Socket>): () => void {
    const impatience = this.#clock.after(this.#greetingMs, () => socket.destroy());
    if (among.size >= this.#mostStrangers) {
      const [oldest] = among;
      among.delete(oldest!);
      oldest!.destroy();
    }
    among.add(socket);
    return () => {
      impatience.cancel();
      among.delete(socket);
    };
  }

  #admit(socket: Socket): void {
    const introduced = this.#stranger(socket, this.#strangers.frames);
    const greet: OnFrame = (type, _request, payload) => {
      introduced();
      if (type !== Frame.hello) throw new FrameError(`frame of type ${type} instead of a greeting`);
      const said = decodeJson(payload);
      const token = String(said['token']);
      const expected = this.#expected.get(token);
      if (expected === undefined) throw new FrameError('unknown token');
      this.#expected.delete(token);
      let hello: Hello;
      try {
        hello = understood(said);
      } catch (error) {
        expected.reject(new HearthError('ServiceException', (error as Error).message));
        throw error;
      }
      peer.known();
      peer.handle((t) => {
        throw new FrameError(`frame of type ${t} before welcome`);
      });
      expected.resolve({ peer, hello });
    };
    const peer = new Peer(socket, greet, GREETING_BYTES);
    socket.on('close', introduced);
  }

  #admitLog(socket: Socket): void {
    const introduced = this.#stranger(socket, this.#strangers.logs);
    let head: Buffer = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      const end = head.indexOf(10);
      if (end < 0 && head.length <= MAX_TOKEN_BYTES) return;
      introduced();
      socket.off('data', read);
      const token = end < 0 ? '' : head.toString('latin1', 0, end);
      const log = this.#logs.get(token);
      this.#logs.delete(token);
      if (log === undefined) socket.destroy();
      else log.attach(socket, head.subarray(end + 1));
    };
    socket.on('data', read);
    socket.on('close', introduced);
  }

  #listen(path: string, accept: (socket: Socket) => void): Promise<void> {
    if (existsSync(path)) rmSync(path); // left by a server that was killed
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}); // 'close' follows
      socket.on('close', () => this.#sockets.delete(socket));
      accept(socket);
    });
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => reject(new HearthError('ServiceException', `can't listen on ${path}: ${cause.message}`, { cause })));
      server.listen({ path, backlog: BACKLOG }, () => {
        chmodSync(path, 0o666);
        resolve();
      });
    });
  }
}

function understood(said: Readonly<Record<string, unknown>>): Hello {
  const { protocol } = said;
  if (protocol === PROTOCOL_VERSION) return readHello(said);
  throw new FrameError(
    `greeted in version ${JSON.stringify(protocol)?.slice(0, 20)} of the protocol, this server speaks ${PROTOCOL_VERSION}; reinstall hearth`,
  );
}
