import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';
import type { ExitStatus } from '../model/instance.ts';
import type { Kernel } from './kernel.ts';
import type { Reply, Request, SpawnOrder } from './messages.ts';
import { offerToOomKiller } from './oom-killer.ts';
import { openOutput, type OpenOutput } from './output.ts';
import { childrenByParent, killTree, lookUp, ownChildren, UNKNOWN_START } from './process-tree.ts';

/** How long a child nobody told us of may wait to be adopted: the word may be on its way while the parent died. */
const GRACE_MS = 250;
/** From a look at /proc that the machine had no descriptors for to the next. */
const AGAIN_MS = 20;

/**
 * Parent, by birth or by adoption, of every process that runs functions; runs none of their code itself. What it is not told
 * of is an orphan, left by an instance that died, and is killed.
 */
export class Supervisor {
  readonly #kernel: Kernel;
  readonly #clock: Clock;
  readonly #send: (reply: Reply) => void;
  /** Started by us through node:child_process, which reaps them. */
  readonly #own = new Set<number>();
  readonly #known = new Set<number>();
  readonly #strangers = new Map<number, number>();
  #lookingAround = false;

  constructor(kernel: Kernel, clock: Clock, send: (reply: Reply) => void) {
    this.#kernel = kernel;
    this.#clock = clock;
    this.#send = send;
    kernel.becomeSubreaper();
    kernel.keepDescriptors();
    process.on('SIGCHLD', () => this.#lookAround());
  }

  handle(request: Request): void {
    switch (request.op) {
      case 'spawn':
        return void this.#spawn(request.id, request.order);
      case 'kill':
        return void this.#kill(request.id, request);
      case 'adopt':
        return this.#adopt(request.pid);
      case 'forget':
        this.#known.delete(request.pid);
        return this.#lookAround();
      case 'unpin':
        return this.#unpin(request.pid);
      default:
        request satisfies never;
    }
  }

  /**
   * Kills all that descends from this process; resolves when nothing is left, or after 10 s. A child that ends between being listed and being
   * looked at has handed us its own children since: so two looks must find the same, all of it gone.
   */
  async killAll(): Promise<void> {
    const until = this.#clock.monotonic() + 10_000;
    for (let before: string | null = null; ;) {
      const children = attempt(() => childrenByParent(process.pid));
      const living = (children ?? []).filter((pid) => lookUp(pid)?.gone === false);
      const seen = children?.join() ?? null;
      const settled = living.length === 0 && seen !== null && before === seen;
      if (settled || this.#clock.monotonic() > until) return;
      before = seen;
      if (seen === null) await new Promise<void>((resolve) => this.#clock.after(AGAIN_MS, resolve));
      if (living.length > 0) await killTree(this.#clock, living, { patienceMs: 1_000 });
    }
  }

  async #spawn(id: number, { argv, env, cwd, output, ids }: SpawnOrder): Promise<void> {
    const fail = (error: unknown): void => {
      const { message, code = null } = error as NodeJS.ErrnoException & { code?: string | null };
      this.#send({ event: 'failed', id, reason: message, code });
    };
    let opened: OpenOutput | null = null;
    try {
      opened = await openOutput(output);
      const child = spawn(argv[0]!, argv.slice(1), { env, cwd, detached: true, stdio: ['ignore', opened.stdout, opened.stderr], ...ids });
      const { pid } = child;
      child.once('error', (error) => pid === undefined && fail(error));
      if (pid === undefined) return;
      this.#own.add(pid);
      this.#adopt(pid);
      offerToOomKiller(pid);
      child.once('exit', (code, signal) => {
        this.#own.delete(pid);
        this.#ended(pid, { code, signal });
      });
      this.#send({ event: 'spawned', id, pid });
    } catch (error) {
      fail(error);
    } finally {
      opened?.close();
    }
  }

  #adopt(pid: number): void {
    if (lookUp(pid) !== null) this.#known.add(pid);
    this.#strangers.delete(pid);
  }

  async #kill(id: number, { pid, startTime }: { pid: number; startTime: string }): Promise<void> {
    const found = lookUp(pid)?.identity;
    if (found !== undefined && (startTime === UNKNOWN_START || found.startTime === startTime))
      await killTree(this.#clock, [pid], { spare: (other) => this.#known.has(other) });
    this.#lookAround();
    this.#send({ event: 'killed', id });
  }

  #unpin(pid: number): void {
    try {
      for (const thread of readdirSync(`/proc/${pid}/task`)) this.#kernel.unpin(Number(thread));
    } catch {
      // it has ended
    }
  }

  #ended(pid: number, status: ExitStatus): void {
    this.#known.delete(pid);
    this.#send({ event: 'exited', pid, ...status });
  }

  /** Reaps what has ended and finds orphans; once a turn of the event loop, however many signals came. */
  #lookAround(): void {
    if (this.#lookingAround) return;
    this.#lookingAround = true;
    setImmediate(() => {
      this.#lookingAround = false;
      const now = this.#clock.monotonic();
      const children = attempt(ownChildren);
      let again = children === null; // or an end would stay unknown until the next
      for (const pid of children ?? []) {
        if (this.#own.has(pid)) continue;
        const status = this.#kernel.reap(pid);
        if (status !== null) {
          this.#strangers.delete(pid);
          this.#ended(pid, status);
        } else if (!this.#known.has(pid)) {
          const since = this.#strangers.get(pid) ?? now;
          this.#strangers.set(pid, since);
          if (now - since >= GRACE_MS) void killTree(this.#clock, [pid], { spare: (other) => this.#known.has(other) });
          again = true;
        }
      }
      if (again) this.#clock.after(children === null ? AGAIN_MS : GRACE_MS, () => this.#lookAround());
    });
  }
}

/** Null where the machine has no descriptors or memory left for a look at /proc. */
function attempt<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
