import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadHearthFile } from '../src/cli/hearth-file.ts';
import type { BenchHearth } from './hearth.ts';
import type { LoadResult } from './load/plan.ts';
import { runLoad } from './load/run.ts';
import { inRepository, ROOT } from './paths.ts';
import { catches } from './processes.ts';
import type { Releases } from './releases.ts';

/** Longest that instances are held: a benchmark that was killed leaves them to it. */
const MOST_SECONDS = 1_200;
const POLL_MS = 200;
/** After its call an instance is stopped within 50 ms, and a second later it gives back what the call needed; this is for the machine to come to rest. */
export const REST_MS = 4_000;
/** No instance more for so long: there will be none. */
const STALLED_MS = 30_000;
/** An instance is counted a little before it has its call. */
const HOLDING_TRIES = 50;
const PICTURE = 'examples/pictures/coffee.png';

/** What each example is called with when its instances are to have done what they are for. */
export function realEvent(name: string): unknown {
  return name.startsWith('detect') ? { url: basename(PICTURE) } : {};
}

/** Deploys an example whose handler can be told to keep its instance busy once it has answered: see bench/functions/held. */
export async function deployHeld(hearth: BenchHearth, releases: Releases, name: string): Promise<void> {
  const { functions } = await loadHearthFile(ROOT, inRepository('examples/hearth.yaml'));
  const declared = functions.find((f) => f.name === name);
  if (declared === undefined) throw new Error(`there is no example ${name}`);
  const folder = await mkdtemp(join(tmpdir(), 'hearth-held-'));
  releases.add(() => rm(folder, { recursive: true, force: true }));
  const isSource = (path: string): boolean => !path.includes('node_modules');
  await cp(declared.folder, folder, { recursive: true, filter: isSource });
  await writeFile(join(folder, '.hearthignore'), '');
  await wrap(folder, String(declared.manifest['runtime']));
  await cp(inRepository(PICTURE), join(folder, basename(PICTURE)));
  const manifest = { ...declared.manifest, handler: 'held.handler', timeoutSeconds: 900 };
  await hearth.deployDeclared({ name, folder, manifest });
}

async function wrap(folder: string, runtime: string): Promise<void> {
  const wrapper = (file: string): string => inRepository(`bench/functions/held/${file}`);
  if (runtime.startsWith('python')) return cp(wrapper('held.py'), join(folder, 'held.py'));
  await cp(wrapper('hold.mjs'), join(folder, 'hold.mjs'));
  const text = await readFile(wrapper('held.mjs'), 'utf8');
  const typescript = existsSync(join(folder, 'index.ts'));
  return writeFile(join(folder, typescript ? 'held.ts' : 'held.mjs'), typescript ? text.replace('index.mjs', 'index.ts') : text);
}

/** Instances that are all busy, each with the one call that it got. */
export interface Filled {
  readonly pids: readonly number[];
  /** Lets all go and resolves with what became of their calls. */
  release(): Promise<LoadResult>;
}

interface FillOptions {
  /** What the handler is called with before it is held; what the example is for, unless said otherwise. */
  readonly event?: unknown;
  /** Instances that are held already. */
  readonly beside?: number;
}

/** Has `count` calls of a held example in flight at once, beside others. Resolves when each has an instance, or no more come. */
export async function fill(hearth: BenchHearth, name: string, count: number, options: FillOptions = {}): Promise<Filled> {
  const { event = realEvent(name), beside = 0 } = options;
  const target = hearth.target(name, { holdSeconds: MOST_SECONDS, event });
  const wanted = beside + count;
  const under = { way: true };
  const load = runLoad({ mode: 'burst', target, connections: count, seconds: MOST_SECONDS }).finally(() => (under.way = false));
  load.catch(() => {}); // whoever releases is told
  let most = 0;
  for (let lastMs = performance.now(); most < wanted && under.way && performance.now() - lastMs < STALLED_MS; await sleep(POLL_MS)) {
    const { instances } = await hearth.client.status();
    if (instances > most) [most, lastMs] = [instances, performance.now()];
  }
  let pids = await holding(hearth, name);
  for (let tries = 0; pids.length < Math.min(wanted, most) && under.way && tries < HOLDING_TRIES; tries++) {
    await sleep(POLL_MS);
    pids = await holding(hearth, name);
  }
  return {
    pids,
    release: async () => {
      // Again until all have ended: a call that was still waiting takes an instance that has just been let go.
      for (; under.way; await sleep(POLL_MS)) for (const pid of await holding(hearth, name)) signal(pid);
      return load;
    },
  };
}

/** The busy instances that have come to where a signal is no end to them. */
async function holding(hearth: BenchHearth, name: string): Promise<number[]> {
  const { instances } = await hearth.client.resident(name);
  const pids = instances.filter((i) => i.state === 'busy').map((i) => i.pid);
  const caught = await Promise.all(pids.map((pid) => catches(pid, constants.signals.SIGUSR2)));
  return pids.filter((_, i) => caught[i]);
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGUSR2');
  } catch {
    // its call failed, and the load says how
  }
}
