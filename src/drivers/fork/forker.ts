import { HearthError } from '../../errors.ts';
import type { LogSink } from '../../fleet/driver.ts';
import { deferred } from '../../lib/deferred.ts';
import type { Deferred } from '../../lib/deferred.ts';
import type { StepOf } from '../../model/waterfall.ts';
import { FrameError, decodeJson, encodeJsonFrame } from '../../runtimes/frames.ts';
import { Frame } from '../../runtimes/protocol.ts';
import type { ConfineStep, ForkOrder } from '../../runtimes/protocol.ts';
import { signalName } from '../../supervisor/exit-status.ts';
import { childrenOf, exists, lookUp } from '../../supervisor/process-tree.ts';
import { figureIn, MACHINE_BYTES } from './figure.ts';
import type { Newborn, Processes } from './processes.ts';

/** From an end to the look for what it left, and between two looks; there is no hurry, and nothing may spin. */
const SWEEP_AGAIN_MS = 20;
/** What a new zygote's rehearsal, or its practice before an order that has time, may take on a machine that is busy with other things. */
const REHEARSAL_MS = 20_000;

export interface ChildOrder {
  readonly confine: readonly ConfineStep[];
  readonly logStream: string | null;
  readonly sink: LogSink;
  readonly concurrency: number;
  /** See {@link ForkOrder}. */
  readonly practised: boolean;
  /** What the child is to be. */
  readonly of: StepOf;
}

/** A process that waits for fork orders: a runtime zygote or a snapshot. It reaps its children and says how they ended. */
export class Forker {
  readonly pid: number;
  readonly #processes: Processes;
  readonly #parent: Newborn;
  readonly #orders = new Map<number, Deferred<number>>();
  /** Whether it has answered since it last had reason to rehearse. */
  #rehearsed = false;
  readonly #children = new Set<number>();
  readonly #gone = deferred<void>();
  #requests = 0;
  #over = false;
  /** Takes no more orders; settles when it has answered those it had, or has ended. */
  #leaving: Deferred<void> | null = null;
  /** An instance ended, and what it left was not looked for yet. */
  #unswept = false;
  #sweeping = false;

  constructor(processes: Processes, parent: Newborn) {
    this.pid = parent.pid;
    this.#processes = processes;
    this.#parent = parent;
    parent.peer.handle((type, request, payload) => this.#take(type, request, payload));
    parent.peer.onClose(() => void this.#ended());
    void parent.status.then(() => this.#ended());
  }

  /** Settles when the process has ended. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Whether it is no use to give it an order: it has ended, or is about to. */
  get closed(): boolean {
    return this.#over || this.#leaving !== null;
  }

  /** Forks a child and waits until it has greeted. Rejects with HearthError ServiceException. */
  async fork(order: ChildOrder): Promise<Newborn> {
    const { greetingMs } = this.#processes.options;
    const awaited = this.#processes.await(order.sink, order.concurrency, order.of);
    let pid: number;
    try {
      pid = await this.#order(awaited.token, order);
    } catch (error) {
      awaited.log.end();
      throw error;
    }
    return this.#processes.greeted(pid, awaited, greetingMs);
  }

  /**
   * Ends the process once the orders it has are carried out, so that whoever waits for one of them does not see it go; it is given no others. Its children
   * live on. Idempotent.
   */
  async retire(): Promise<void> {
    this.#leaving ??= deferred<void>();
    if (this.#orders.size === 0) this.#leaving.resolve();
    await this.#leaving.promise;
    await this.#kill();
  }

  async #kill(): Promise<void> {
    if (this.#over) return this.gone; // its pid may be another process's by now
    await this.#processes.supervisor.kill(this.pid);
    await this.#ended();
  }

  async #order(token: string, { confine, logStream, practised }: ChildOrder): Promise<number> {
    if (this.closed) throw new HearthError('ServiceException', 'the process to fork from is gone');
    const { socketPath, logPath } = this.#processes.switchboard;
    const request = ++this.#requests;
    const answer = deferred<number>();
    this.#orders.set(request, answer);
    if (practised) this.#rehearsed = false;
    const order: ForkOrder = { token, socket: socketPath, logSocket: logPath, confine, logStream, practised };
    this.#parent.peer.write(encodeJsonFrame(Frame.fork, request, order));
    // Orders are carried out one after the other: each that is before this one may take its time.
    const patienceMs = this.#processes.options.greetingMs * this.#orders.size + (this.#rehearsed ? 0 : REHEARSAL_MS);
    const pid = await this.#processes.within(answer.promise, patienceMs);
    if (pid !== null) return pid;
    void this.#kill(); // it is stuck: a child that it may still make is found by the supervisor
    throw new HearthError('ServiceException', `the process to fork from did not answer within ${patienceMs} ms`);
  }

  #take(type: number, request: number, payload: Buffer): void {
    const message = decodeJson(payload);
    if (type === Frame.childExited) return this.#childExited(message);
    const order = this.#orders.get(request);
    if (order === undefined) throw new FrameError(`answer to no fork order: ${request}`);
    if (type === Frame.forked) this.#forked(order, positive(message['pid']));
    else if (type === Frame.forkFailed) {
      order.reject(new HearthError('ServiceException', `could not fork: ${String(message['message'])}`));
    } else throw new FrameError(`frame of type ${type} from a process that forks`);
    this.#orders.delete(request); // not of one that broke the protocol: it is told when all are
    this.#rehearsed = true;
    if (this.#orders.size === 0) this.#leaving?.resolve();
    if (this.#unswept) this.#sweepSoon();
  }

  /**
   * A snapshot has run user code, which may make it say anything, and what it names is ours to stop and to kill, with rights that it has not: so that has to be
   * a child of its own which it has not named before. A pid that nobody has is refused too: somebody will have it. An honest child may have ended at once.
   */
  #forked(order: Deferred<number>, pid: number): void {
    const found = lookUp(pid);
    if (found === null) {
      this.#unswept = true; // what it did fork is nobody's child: swept away
      const why = exists(pid) ? `no descriptors are left to look at the new process ${pid}` : `the new process ${pid} has ended already`;
      return order.reject(new HearthError('ServiceException', why));
    }
    if (found.parent !== this.pid || this.#children.has(pid)) throw new FrameError(`process ${pid} is no new child of process ${this.pid}`);
    this.#children.add(pid);
    this.#processes.supervisor.adopt(pid);
    order.resolve(pid);
  }

  #childExited(message: Record<string, unknown>): void {
    const pid = positive(message['pid']);
    const { code, signal } = message;
    const peakMemoryBytes = figureIn(message['peakMemoryBytes'], MACHINE_BYTES);
    if (!this.#children.delete(pid)) return;
    this.#processes.supervisor.forget(pid);
    this.#processes.exits.report(pid, {
      code: typeof code === 'number' ? code : null,
      signal: typeof signal === 'number' ? signalName(signal) : null,
      ...(peakMemoryBytes > 0 ? { peakMemoryBytes } : {}),
    });
    this.#unswept = true;
    this.#sweepSoon();
  }

  /**
   * Kills what an instance that ended has left: it became this process's child. Not while a child may be unknown to us because it is just being
   * made. Again until nothing is found: what such a process started becomes ours in its turn when it ends while its tree is being walked.
   */
  #sweep(): void {
    if (this.#orders.size > 0 || this.#over) return; // the last of the orders asks again
    this.#unswept = false;
    const strays = this.#strays();
    if (strays === null) this.#unswept = true;
    if (strays?.length === 0) return;
    void Promise.all((strays ?? []).map((pid) => this.#processes.supervisor.killStray(pid))).then(() => this.#sweepSoon());
  }

  /** Its living children that it has not forked for us; null where that can't be told now. */
  #strays(): number[] | null {
    try {
      return childrenOf(this.pid).filter((pid) => !this.#children.has(pid) && lookUp(pid)?.gone === false);
    } catch {
      return null; // no descriptors are left to look: later
    }
  }

  /** Once for all that end together: a thousand that do are not worth a thousand looks at a thousand children. */
  #sweepSoon(): void {
    const { abilities, clock } = this.#processes.options;
    if (this.#sweeping || this.#over || !abilities.linux) return;
    this.#sweeping = true;
    clock.after(SWEEP_AGAIN_MS, () => {
      this.#sweeping = false;
      this.#sweep();
    });
  }

  async #ended(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    for (const order of this.#orders.values()) order.reject(new HearthError('ServiceException', 'the process to fork from ended'));
    this.#orders.clear();
    this.#leaving?.resolve();
    this.#parent.peer.drop();
    await this.#processes.supervisor.kill(this.pid);
    void this.#processes.endOf(this.#parent);
    this.#parent.log.end();
    this.#gone.resolve();
  }
}

function positive(pid: unknown): number {
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 1) throw new FrameError(`${String(pid)} is no pid`);
  return pid;
}
