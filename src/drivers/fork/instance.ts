import { InstanceExited } from '../../fleet/driver.ts';
import type { Answer, DriverInstance } from '../../fleet/driver.ts';
import { deferred } from '../../lib/deferred.ts';
import type { ExitStatus, InitReport, Reaped, Rung } from '../../model/instance.ts';
import type { Invocation } from '../../model/invocation.ts';
import type { Step } from '../../model/waterfall.ts';
import { encodeFrame } from '../../runtimes/frames.ts';
import { Frame } from '../../runtimes/protocol.ts';
import { Calls } from './calls.ts';
import { Halt } from './halt.ts';
import { holdsMoreThan, memoryOfFamily } from './process-figures.ts';
import { ENDING_MS } from './processes.ts';
import type { Newborn, Processes } from './processes.ts';

/** How an instance came to be. */
export interface Birth {
  readonly rung: Rung;
  readonly init: InitReport | null;
  readonly steps: readonly Step[];
  /** Still to be sent, in front of the first invocation where that comes at once; null: it has been welcomed. */
  readonly welcome: Buffer | null;
  /** Called once, when all of it is gone. */
  readonly cleanUp: () => void;
}

/** A process that serves invocations. */
export class ForkInstance implements DriverInstance {
  readonly pid: number;
  readonly rung: Rung;
  readonly init: InitReport | null;
  readonly steps: readonly Step[];
  readonly #processes: Processes;
  readonly #newborn: Newborn;
  readonly #calls: Calls;
  readonly #cleanUp: () => void;
  readonly #halt: Halt;
  readonly #exited = deferred<ExitStatus>();
  readonly #over = deferred<void>();
  readonly #disconnected = deferred<void>();
  #welcome: Buffer | null;
  #ended: Reaped | null = null;
  #ending = false;
  /** Its process has been reaped, or given up: its pid may be anybody's by now. */
  #reaped = false;
  /** What it and what it started are known to have held together, bytes: more than its reaper can tell. */
  #heldBytes = 0;

  constructor(processes: Processes, newborn: Newborn, birth: Birth) {
    this.pid = newborn.pid;
    this.rung = birth.rung;
    this.init = birth.init;
    this.steps = birth.steps;
    this.#processes = processes;
    this.#newborn = newborn;
    this.#welcome = birth.welcome;
    this.#cleanUp = birth.cleanUp;
    const { clock, abilities } = processes.options;
    const { peer, log, status } = newborn;
    const askRest = () => peer.write(encodeFrame(Frame.rest, 0, null));
    this.#halt = new Halt(processes.supervisor.identity(newborn.pid), { clock, linux: abilities.linux, askRest });
    this.#calls = new Calls(peer, log, processes.options.answerBytes);
    peer.handle((type, request, payload) => {
      if (type === Frame.rested) this.#halt.rested();
      else this.#calls.take(type, request, payload);
    });
    peer.onClose(() => {
      this.#disconnected.resolve();
      void this.#end();
    });
    void status.then(() => {
      this.#reaped = true;
      return this.#end();
    });
    if (birth.welcome !== null) setImmediate(() => this.#greet());
  }

  get exited(): Promise<ExitStatus> {
    return this.#exited.promise;
  }

  get ending(): Promise<void> {
    return this.#over.promise;
  }

  invoke(invocation: Invocation, deadlineMs: number): Promise<Answer> {
    if (this.#ended !== null) return Promise.reject(new InstanceExited(this.#ended));
    this.#halt.go();
    const welcome = this.#welcome;
    this.#welcome = null;
    return this.#calls.invoke(invocation, deadlineMs, welcome);
  }

  pause(): void {
    if (this.#ending) return;
    this.#greet();
    this.#halt.stop(this.#calls.heavy);
  }

  resume(): void {
    this.#halt.go();
  }

  memoryBytes(): Promise<number | null> {
    return this.#ending ? Promise.resolve(null) : memoryOfFamily(this.pid);
  }

  holdsMoreThan(bytes: number): boolean {
    if (this.#ending || !holdsMoreThan(this.pid, bytes)) return false;
    this.#heldBytes = Math.max(this.#heldBytes, bytes);
    return true;
  }

  async kill(): Promise<ExitStatus> {
    this.#halt.forget(); // it is not to be let go on while it is killed
    if (this.#reaped) return this.exited;
    await this.#processes.supervisor.kill(this.pid);
    void this.#end();
    return this.exited;
  }

  #greet(): void {
    if (this.#welcome === null) return;
    this.#newborn.peer.write(this.#welcome);
    this.#welcome = null;
  }

  /** The connection closed or somebody reaped it. Both are waited for, and the log, so that nothing that was said is lost. */
  async #end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.#over.resolve();
    this.#halt.forget();
    const { peer, log, status } = this.#newborn;
    let ended = await this.#processes.within(status, ENDING_MS);
    if (ended === null) {
      await this.#processes.supervisor.kill(this.pid); // it may have let go of its host and live on
      ended = (await this.#processes.endOf(this.#newborn)) ?? { code: null, signal: 'SIGKILL' };
      this.#reaped = true;
    }
    await this.#processes.within(Promise.all([this.#disconnected.promise, log.closed]), ENDING_MS);
    if (peer.complaint !== null) this.#processes.warnOfFunction(`an instance was ended because it broke the protocol: ${peer.complaint}`);
    peer.drop();
    log.end();
    const { code, signal, peakMemoryBytes } = ended;
    this.#ended = peakMemoryBytes === undefined ? ended : { code, signal, peakMemoryBytes: Math.max(peakMemoryBytes, this.#heldBytes) };
    this.#calls.fail(this.#ended);
    this.#cleanUp();
    this.#exited.resolve({ code, signal });
  }
}
