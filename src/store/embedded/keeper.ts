import type { Clock, Timer } from '../../lib/clock.ts';
import type { Log } from '../log.ts';
import type { Postmaster, Stop } from './postmaster.ts';

/** Waits before a crashed server is started again, doubling up to the last. */
const RESTART_MS = { first: 100, last: 10_000 };

/** Keeps one server running until it is told to stop: one that crashes is started again. */
export class Keeper {
  readonly #launch: () => Promise<Postmaster>;
  readonly #clock: Clock;
  readonly #log: Log;
  #server: Postmaster | null = null;
  #starting: Promise<void> | null = null;
  #retry: Timer | null = null;
  #stopped = false;

  constructor(launch: () => Promise<Postmaster>, clock: Clock, log: Log) {
    this.#launch = launch;
    this.#clock = clock;
    this.#log = log;
  }

  get pid(): number {
    return this.#server?.pid ?? 0;
  }

  async start(): Promise<void> {
    const server = await this.#launch();
    this.#server = server;
    void server.exited.then((how) => {
      this.#server = null;
      if (this.#stopped) return;
      this.#log.error({ pid: server.pid, how }, 'the database ended unexpectedly; starting it again');
      this.#startAfter(RESTART_MS.first);
    });
  }

  async stop(how: Stop): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#starting;
    await this.#server?.stop(this.#clock, how);
  }

  #startAfter(ms: number): void {
    this.#retry = this.#clock.after(ms, () => {
      this.#starting = this.start().catch((error: unknown) => {
        this.#log.error({ err: error }, 'the database could not be started again; trying on');
        if (!this.#stopped) this.#startAfter(Math.min(ms * 2, RESTART_MS.last));
      });
    });
  }
}
