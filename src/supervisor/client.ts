import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HearthError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { ExitStatus } from '../model/instance.ts';
import { lines } from './messages.ts';
import type { Reply, Request, SpawnOrder } from './messages.ts';
import { Outbox } from './outbox.ts';
import { PlainGroups } from './plain-groups.ts';
import { alive, exists, killTree, lookUp, UNKNOWN_START } from './process-tree.ts';
import type { ProcessIdentity } from './process-tree.ts';

/** Starts and ends processes. Pids are those of the server's own PID namespace. */
interface Supervision {
  /** Starts a program; its pid. Asks a second supervisor where the first dies meanwhile. Rejects with HearthError ServiceException. */
  spawn(order: SpawnOrder): Promise<number>;
  /** Tells of a process that something we started has forked: it is no orphan, and is ours to kill. */
  adopt(pid: number): void;
  /** Which process a pid was when it was spawned or adopted; whoever has the pid, for one that is not known. */
  identity(pid: number): ProcessIdentity;
  /** Tells that somebody else reaped an adopted process. */
  forget(pid: number): void;
  /**
   * Kills a process that was spawned or adopted and all it started, other adopted processes and theirs excepted. Resolves when they are gone,
   * at once for one whose end has been told; never rejects.
   */
  kill(pid: number): Promise<void>;
  /** The same for a process of ours that nobody told of. */
  killStray(pid: number): Promise<void>;
  /** Lets a process run on every CPU. */
  unpin(pid: number): void;
  /** Kills everything. Idempotent. */
  close(): Promise<void>;
}

export interface SupervisionEvents {
  /** A process ended; not told for those that another process reaped. */
  exited(pid: number, status: ExitStatus): void;
  /** The supervisor itself died: everything it had started has been killed. The next spawn starts another. */
  lost(reason: string): void;
  /** There can be none here, processes are kept in plain groups: what that means, for the log. */
  degraded(reason: string): void;
}

interface Connection {
  readonly child: ChildProcess;
  send(request: Request): void;
}

type Waiter = { resolve(pid: number): void; reject(error: Error): void };

/** It died before it had answered. */
class SupervisorDied extends HearthError {
  constructor() {
    super('ServiceException', 'the supervisor process died');
  }
}

/** The server's side of the supervisor: starts it when it is first needed, and again should it die. */
export class SupervisorClient implements Supervision {
  readonly #clock: Clock;
  readonly #events: SupervisionEvents;
  readonly #waiting = new Map<number, Waiter>();
  readonly #known = new Map<number, ProcessIdentity>();
  #connection: Promise<Connection> | null = null;
  #live: Connection | null = null;
  #plain: PlainGroups | null = null;
  #ids = 0;
  #closed = false;

  constructor(clock: Clock, events: SupervisionEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** The supervisor's own pid, or null while there is none. */
  get pid(): number | null {
    return this.#live?.child.pid ?? null;
  }

  async spawn(order: SpawnOrder): Promise<number> {
    try {
      return await this.#spawn(order);
    } catch (error) {
      // What it may have started has gone with it: the next one is asked.
      if (!(error instanceof SupervisorDied) || this.#closed) throw error;
      return this.#spawn(order);
    }
  }

  async #spawn(order: SpawnOrder): Promise<number> {
    if (this.#closed) throw new HearthError('ServiceException', 'the supervisor is closed');
    const connection = this.#plain === null ? await this.#connect() : null;
    if (this.#plain !== null || connection === null) return this.#plain!.spawn(order);
    return this.#ask(connection, (id) => ({ op: 'spawn', id, order }));
  }

  adopt(pid: number): void {
    this.#remember(pid);
    this.#live?.send({ op: 'adopt', pid });
  }

  identity(pid: number): ProcessIdentity {
    return this.#known.get(pid) ?? { pid, startTime: UNKNOWN_START };
  }

  forget(pid: number): void {
    this.#known.delete(pid);
    this.#live?.send({ op: 'forget', pid });
  }

  async kill(pid: number): Promise<void> {
    if (this.#plain !== null) return this.#plain.kill(pid);
    const identity = this.#known.get(pid);
    if (identity !== undefined) await this.#kill(identity);
  }

  async killStray(pid: number): Promise<void> {
    const found = lookUp(pid);
    if (found !== null && !found.gone) await this.#kill(found.identity);
  }

  unpin(pid: number): void {
    this.#live?.send({ op: 'unpin', pid });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#plain?.close();
    const connection = await this.#connection?.catch(() => null);
    if (!connection || connection.child.exitCode !== null || connection.child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      connection.child.once('exit', () => resolve());
      connection.child.stdin!.end();
    });
    this.#reportAll();
  }

  #ask(connection: Connection, request: (id: number) => Request): Promise<number> {
    return new Promise((resolve, reject) => {
      const id = ++this.#ids;
      this.#waiting.set(id, { resolve, reject });
      connection.send(request(id));
    });
  }

  async #kill(identity: ProcessIdentity): Promise<void> {
    if (this.#live === null) return; // all that was started went with the supervisor
    await this.#ask(this.#live, (id) => ({ op: 'kill', id, ...identity })).catch(() => {}); // lost: then all is killed
  }

  #connect(): Promise<Connection | null> {
    this.#connection ??= this.#start().catch((error: unknown) => {
      this.#connection = null;
      throw error;
    });
    return this.#connection.then((connection) => (this.#plain === null ? connection : null));
  }

  #start(): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const main = fileURLToPath(new URL('./main.js', import.meta.url));
      const child = spawn(process.execPath, [main], { detached: true, env: {}, cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] });
      const outbox = new Outbox(this.#clock, (text) => void child.stdin.write(text));
      const connection: Connection = { child, send: (request) => outbox.send(request) };
      let complaint = '';
      const ended = (reason: string): void => {
        reject(new HearthError('ServiceException', `the supervisor process could not be started: ${reason}`));
        void this.#lost(connection, reason);
      };
      child.stdin.on('error', () => {}); // 'exit' tells
      child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2_000)));
      child.once('error', (error) => ended(error.message));
      child.once('exit', (code, signal) => ended(`${signal ?? `exit status ${code}`} ${complaint}`.trim()));
      const onLine = lines((line) => {
        const reply = JSON.parse(line) as Reply;
        if (reply.event === 'ready') {
          this.#live = connection;
          resolve(connection);
        } else if (reply.event === 'unfit') {
          this.#degrade(reply.reason);
          resolve(connection);
        } else this.#take(reply);
      });
      child.stdout.setEncoding('utf8').on('data', onLine);
    });
  }

  #degrade(reason: string): void {
    this.#plain = new PlainGroups(this.#events);
    this.#events.degraded(`no supervisor (${reason}): a process that leaves its group survives its instance`);
  }

  #take(reply: Exclude<Reply, { event: 'ready' | 'unfit' }>): void {
    if (reply.event === 'exited') {
      this.#known.delete(reply.pid);
      this.#events.exited(reply.pid, { code: reply.code, signal: reply.signal });
      return;
    }
    const waiter = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.event === 'spawned') {
      this.#remember(reply.pid);
      waiter?.resolve(reply.pid);
    } else if (reply.event === 'killed') waiter?.resolve(0);
    else {
      const cause = Object.assign(new Error(reply.reason), { code: reply.code });
      waiter?.reject(new HearthError('ServiceException', `could not start a process: ${reply.reason}`, { cause }));
    }
  }

  #remember(pid: number): void {
    const found = lookUp(pid)?.identity ?? (exists(pid) ? { pid, startTime: UNKNOWN_START } : null);
    if (found !== null) this.#known.set(pid, found);
  }

  /** The supervisor is gone: nobody reaps or finds orphans any more, so everything it knew has to go as well. */
  async #lost(connection: Connection, reason: string): Promise<void> {
    if (this.#live !== connection) return;
    this.#live = null;
    await killTree(
      this.#clock,
      [...this.#known.values()].filter(alive).map((p) => p.pid),
    );
    this.#connection = null;
    this.#reportAll();
    for (const waiter of this.#waiting.values()) waiter.reject(new SupervisorDied());
    this.#waiting.clear();
    if (!this.#closed) this.#events.lost(reason);
  }

  /** Everything has been killed, and nobody is left to say so. */
  #reportAll(): void {
    const known = [...this.#known.keys()];
    this.#known.clear();
    for (const pid of known) this.#events.exited(pid, { code: null, signal: 'SIGKILL' });
  }
}
