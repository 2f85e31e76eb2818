import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchHearth } from '../hearth.ts';

/** What is started and stopped: both languages, one that prints and dies when it is told to. */
export const FUNCTIONS = ['echo', 'mortal', 'mortal-python'];
const BURST = 5;
const POLL_MS = 5;

export interface Disturbance {
  /** Of FUNCTIONS, those that are deployed. */
  readonly names: readonly string[];
  readonly seconds: number;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface Disturbed {
  readonly starts: number;
  /** Calls that ended as they should not have. */
  readonly failures: number;
  readonly firstFailure: string | null;
}

/** One thing that happens; how many instances it had started, at least. Rejects when an answer is not what it should be. */
type Deed = (hearth: BenchHearth, name: string, random: () => number) => Promise<number>;

/** What happens, and how often of a hundred. */
const DEEDS: readonly (readonly [number, Deed])[] = [
  [50, startAndStop],
  [15, burst],
  [8, crash],
  [8, killFromOutside],
  [8, evictSnapshot],
  [6, deployChanged],
  [3, evictRuntime],
  [2, removeAndDeploy],
];

/** Things happen at random until time is up: to all functions at once, and to each one after the other, so that it is known what should come of them. */
export async function disturb(hearth: BenchHearth, { names, seconds, random }: Disturbance): Promise<Disturbed> {
  const untilMs = performance.now() + seconds * 1000;
  let [starts, failures] = [0, 0];
  let firstFailure: string | null = null;
  const hand = async (name: string): Promise<void> => {
    while (performance.now() < untilMs) {
      try {
        starts += await pick(random())(hearth, name, random);
      } catch (error) {
        failures += 1;
        firstFailure ??= `${name}: ${(error as Error).message}`;
      }
    }
  };
  await Promise.all(names.map(hand));
  return { starts, failures, firstFailure };
}

function pick(chance: number): Deed {
  let left = chance * DEEDS.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, deed] of DEEDS) if ((left -= weight) < 0) return deed;
  return startAndStop;
}

async function call(hearth: BenchHearth, name: string, event: unknown = {}): Promise<string | null> {
  const answer = await hearth.client.invoke({ functionName: name, payload: Buffer.from(JSON.stringify(event)) });
  return answer.functionError;
}

async function callWell(hearth: BenchHearth, name: string): Promise<void> {
  const error = await call(hearth, name);
  if (error !== null) throw new Error(`a call that should have worked ended with ${error}`);
}

async function startAndStop(hearth: BenchHearth, name: string): Promise<number> {
  await hearth.client.evict(name, 'snapshot');
  await callWell(hearth, name);
  return 1;
}

async function burst(hearth: BenchHearth, name: string): Promise<number> {
  await hearth.client.evict(name, 'snapshot');
  await Promise.all(Array.from({ length: BURST }, () => callWell(hearth, name)));
  return 1;
}

/** The handler ends its own process, or throws. */
async function crash(hearth: BenchHearth, name: string, random: () => number): Promise<number> {
  if (name === 'echo') return startAndStop(hearth, name);
  if ((await call(hearth, name, { die: random() < 0.5 ? 'exit' : 'throw' })) === null) throw new Error('a call that dies was answered');
  return 1;
}

async function killFromOutside(hearth: BenchHearth, name: string): Promise<number> {
  await callWell(hearth, name);
  const { instances } = await hearth.client.resident(name);
  for (const { pid } of instances) kill(pid);
  const killed = new Set(instances.map((i) => i.pid));
  // Who is given such an instance before its end is known gets an error, as from one that dies while it works.
  while ((await hearth.client.resident(name)).instances.some((i) => killed.has(i.pid))) await sleep(POLL_MS);
  return 1;
}

/** One that was on its way out may be gone, and listed until its end is known. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function evictSnapshot(hearth: BenchHearth, name: string): Promise<number> {
  await hearth.client.evict(name, 'zygote');
  await callWell(hearth, name);
  return 1;
}

async function evictRuntime(hearth: BenchHearth, name: string): Promise<number> {
  await hearth.client.evict(name, 'disk');
  await callWell(hearth, name);
  return 1;
}

async function deployChanged(hearth: BenchHearth, name: string, random: () => number): Promise<number> {
  await hearth.deploy('bench/functions/hearth.yaml', name, { environment: { TURN: String(random()) } });
  await callWell(hearth, name);
  return 1;
}

async function removeAndDeploy(hearth: BenchHearth, name: string): Promise<number> {
  await hearth.client.remove(name);
  await hearth.deploy('bench/functions/hearth.yaml', name);
  await callWell(hearth, name);
  return 1;
}
