import { HearthError } from '../../errors.ts';
import type { LogSink } from '../../fleet/driver.ts';
import type { Reaped } from '../../model/instance.ts';
import type { Step, StepOf } from '../../model/waterfall.ts';
import type { Hello } from '../../runtimes/protocol.ts';
import { SupervisorClient } from '../../supervisor/client.ts';
import { ExitBoard } from '../../supervisor/exit-board.ts';
import { forkSteps, onOurClock, spawnSteps } from './birth-steps.ts';
import { LogStream } from './log-stream.ts';
import type { ForkDriverOptions } from './options.ts';
import type { Peer } from './peer.ts';
import { Switchboard } from './switchboard.ts';
import type { Expected } from './switchboard.ts';
import { Temporaries } from './temporaries.ts';

/** How long the several signs of an end (connection, log, exit status) wait for each other. */
export const ENDING_MS = 1_000;

/** Most different warnings that hold words of functions, who could have new ones without end. */
const MOST_OF_FUNCTIONS = 1_000;

/** Of what a process printed that never greeted, characters: it is told to whoever deploys. */
const MOST_SAID = 1_000;

/** A process that has greeted and waits for its welcome. */
export interface Newborn {
  readonly pid: number;
  readonly peer: Peer;
  readonly hello: Hello;
  readonly log: LogStream;
  /** How it came to be. */
  readonly steps: readonly Step[];
  /** How it ended, once somebody has reaped it. */
  readonly status: Promise<Reaped>;
}

/** A process that is about to be made. */
export interface Awaited {
  readonly token: string;
  readonly log: LogStream;
  readonly expected: Expected;
  readonly of: StepOf;
  /** Monotonic. */
  readonly orderedMs: number;
}

/** What all parts of the driver share: the sockets, the supervisor, and who waits for whose end. */
export class Processes {
  readonly options: ForkDriverOptions;
  readonly switchboard: Switchboard;
  readonly temporaries: Temporaries;
  readonly supervisor: SupervisorClient;
  readonly exits: ExitBoard;
  /** What CLOCK_MONOTONIC said when our clock said 0. */
  readonly originMs: number;
  readonly #warned = new Set<string>();
  #ofFunctions = 0;

  constructor(options: ForkDriverOptions) {
    this.options = options;
    this.exits = new ExitBoard(options.clock);
    const [seconds, nanoseconds] = process.hrtime();
    this.originMs = seconds * 1e3 + nanoseconds / 1e6 - options.clock.monotonic();
    this.switchboard = new Switchboard(options.runDirectory, options);
    this.temporaries = new Temporaries(options.runDirectory, options);
    this.supervisor = new SupervisorClient(options.clock, {
      exited: (pid, status) => this.exits.report(pid, status),
      lost: (reason) => options.warn(`the supervisor died (${reason}); every instance was ended and is started anew when it is wanted`),
      degraded: (reason) => this.warnOnce(reason),
    });
  }

  /** Gets ready for a process that will greet with the token. */
  await(sink: LogSink, concurrency: number, of: StepOf): Awaited {
    const token = this.options.ids.uuid();
    const log = new LogStream({ token, sink, clock: this.options.clock, concurrency });
    return { token, log, expected: this.switchboard.expect(token, log), of, orderedMs: this.options.clock.monotonic() };
  }

  /** Waits for the process to greet; one that ends or takes too long is killed, and the error says so. */
  async greeted(
    pid: number,
    { log, expected, of, orderedMs }: Awaited,
    patienceMs: number,
    status: Promise<Reaped> = this.exits.expect(pid),
  ): Promise<Newborn> {
    const timeout = this.timeout(patienceMs);
    let first = await Promise.race([
      expected.greeted.catch((error: HearthError) => error.message),
      timeout.promise.then(() => `did not greet within ${patienceMs} ms`),
      status.then(({ code, signal }) => `ended with ${signal ?? `exit status ${code}`} before it greeted`),
    ]);
    timeout.cancel();
    if (typeof first !== 'string') {
      try {
        for (const step of first.hello.unconfined) this.warnOfFunction(`functions run without a part of their sandbox here: ${step}`);
        return { pid, ...first, log, status, steps: this.#steps(first.hello, of, orderedMs) };
      } catch (error) {
        first = `could not be taken: ${(error as Error).message}`; // nobody else would ever end it
      }
    }
    expected.cancel();
    await this.supervisor.kill(pid);
    void this.endOf({ pid, status });
    await this.within(log.closed, 100);
    log.end();
    throw new HearthError('ServiceException', `a process ${first}${log.lastLine === '' ? '' : `: ${log.lastLine.slice(0, MOST_SAID)}`}`);
  }

  /** How a process ended that is gone; null where no word of that comes: who reaped it went, or was let go of, before it had said so. */
  async endOf({ pid, status }: Pick<Newborn, 'pid' | 'status'>): Promise<Reaped | null> {
    const ended = await this.within(status, ENDING_MS);
    if (ended === null && this.exits.forget(pid, status)) this.supervisor.forget(pid);
    return ended;
  }

  #steps(hello: Hello, of: StepOf, orderedMs: number): Step[] {
    const greetedMs = this.options.clock.monotonic();
    const born = onOurClock(hello.born, this.originMs);
    return born === null ? spawnSteps(of, orderedMs, greetedMs) : forkSteps(of, orderedMs, born, greetedMs);
  }

  timeout(ms: number): { promise: Promise<void>; cancel(): void } {
    let cancel = (): void => {};
    const promise = new Promise<void>((resolve) => {
      const timer = this.options.clock.after(ms, resolve);
      cancel = () => timer.cancel();
    });
    return { promise, cancel };
  }

  /** Waits for something, but not for ever: null when it has not come in time. */
  async within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
    const timeout = this.timeout(ms);
    try {
      return await Promise.race([promise, timeout.promise.then(() => null)]);
    } finally {
      timeout.cancel();
    }
  }

  warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.options.warn(message);
  }

  /** The same of what a process said that has user code in it. */
  warnOfFunction(message: string): void {
    if (this.#warned.has(message) || this.#ofFunctions === MOST_OF_FUNCTIONS) return;
    this.#ofFunctions++;
    this.warnOnce(message);
  }
}
