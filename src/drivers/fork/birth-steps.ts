import type { Step, StepName, StepOf } from '../../model/waterfall.ts';
import type { BirthTimes, InitDone } from '../../runtimes/protocol.ts';

/** Stretches one after the other, each from where the last ended: what ends before it began took no time. */
class Stretches {
  readonly steps: Step[] = [];
  readonly #of: StepOf;
  #atMs: number;

  constructor(of: StepOf, fromMs: number) {
    this.#of = of;
    this.#atMs = fromMs;
  }

  until(name: StepName, untilMs: number): void {
    const ms = Math.max(0, untilMs - this.#atMs);
    this.steps.push({ of: this.#of, name, atMs: this.#atMs, ms });
    this.#atMs += ms;
  }
}

/** From the order to fork until the greeting was read, on one clock. */
export function forkSteps(of: StepOf, orderedMs: number, born: BirthTimes, greetedMs: number): Step[] {
  const made = new Stretches(of, orderedMs);
  made.until('wait', Math.min(born.takenMs, greetedMs));
  made.until('fork', Math.min(born.forkedMs, greetedMs));
  made.until('connect', Math.min(born.connectedMs, greetedMs));
  made.until('confine', Math.min(born.confinedMs, greetedMs));
  made.until('greet', greetedMs);
  return made.steps;
}

/** A parent's first child waited for what the parent does before it takes any order: says so. */
export function firstOf(parent: StepOf, [wait, ...rest]: readonly Step[], does: StepName): readonly Step[] {
  if (wait === undefined) return [];
  return [wait.name === 'wait' ? { ...wait, of: parent, name: does } : wait, ...rest];
}

/** From the order to start a program until its greeting was read. */
export function spawnSteps(of: StepOf, orderedMs: number, greetedMs: number): Step[] {
  const made = new Stretches(of, orderedMs);
  made.until('spawn', greetedMs);
  return made.steps;
}

/** An init phase from the welcome until its report was read. Modules are loaded in the midst of the user's own code: drawn one after the other. */
export function initSteps(of: StepOf, welcomedMs: number, done: InitDone, doneMs: number): Step[] {
  const made = new Stretches(of, welcomedMs);
  let atMs = welcomedMs;
  for (const [name, ms] of [
    ['setUp', done.setUpMs],
    ['import', done.importMs],
    ['userInit', done.userMs],
  ] as const) {
    atMs += ms;
    made.until(name, Math.min(atMs, doneMs));
  }
  made.until('check', doneMs);
  return made.steps;
}

/** What began with the first of these steps and ended with the last, as one. */
export function asOne(of: StepOf, name: StepName, steps: readonly Step[]): Step[] {
  const [first, last] = [steps[0], steps.at(-1)];
  return first === undefined || last === undefined ? [] : [{ of, name, atMs: first.atMs, ms: last.atMs + last.ms - first.atMs }];
}

/** What the other side says of its birth, on our clock; null when it says nothing that can be used. */
export function onOurClock(born: unknown, originMs: number): BirthTimes | null {
  if (typeof born !== 'object' || born === null) return null;
  const { takenMs, forkedMs, connectedMs, confinedMs } = born as Record<keyof BirthTimes, unknown>;
  const times = [takenMs, forkedMs, connectedMs, confinedMs];
  if (!times.every((ms): ms is number => Number.isFinite(ms))) return null;
  const [taken, forked, connected, confined] = times.map((ms) => ms - originMs) as [number, number, number, number];
  return { takenMs: taken, forkedMs: forked, connectedMs: connected, confinedMs: confined };
}
