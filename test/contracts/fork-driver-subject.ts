import { mkdtempSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { LAMBDA_ANSWER_BYTES } from '../../src/drivers/fork/options.ts';
import type { ForkDriverOptions } from '../../src/drivers/fork/options.ts';
import type { StartSpec } from '../../src/fleet/driver.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { randomIds } from '../../src/lib/ids.ts';
import type { FunctionVersion } from '../../src/model/function-version.ts';
import { aVersion } from '../../src/model/testing/a-version.ts';
import { Catalogue } from '../../src/runtimes/catalogue.ts';
import { thisMachine } from '../../src/runtimes/interpreters.ts';
import { functionEnvironment } from '../../src/runtimes/environment.ts';
import { detect } from '../../src/sandbox/detect.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const abilities = await detect();
export const catalogue = new Catalogue(thisMachine(process.env));

export type TestLanguage = 'node' | 'python';

/** The runtimes that can be tested here, each with the reason when it can't. */
export async function runtimes(): Promise<{ language: TestLanguage; runtime: string; missing: string | null }[]> {
  const [python] = await catalogue.list('python');
  const minor = python?.version.replace(/\.\d+$/, '');
  return [
    { language: 'node', runtime: `nodejs${process.versions.node.split('.')[0]}.x`, missing: null },
    { language: 'python', runtime: `python${minor}`, missing: minor === undefined ? 'no Python is installed here' : null },
  ];
}

const warnings: string[] = [];

/** A fork driver on this machine, with directories of its own. */
export function openForkDriver(more: Partial<ForkDriverOptions> = {}): Promise<ForkDriver> {
  return ForkDriver.open({
    runDirectory: more.runDirectory ?? mkdtempSync(join(process.getuid?.() === 0 ? '/run' : tmpdir(), 'hearth-test-')),
    shims: join(ROOT, 'shims'),
    catalogue,
    abilities,
    loopbacks: null,
    hide: [homedir()],
    clock: systemClock,
    ids: randomIds,
    greetingMs: 10_000,
    answerBytes: LAMBDA_ANSWER_BYTES,
    warn: (message) => warnings.push(message),
    ...more,
  });
}

/** What behaviours/looks-around answers: what its process can see and do. */
export interface Seen {
  readonly uid: number;
  readonly capabilities: string;
  readonly noNewPrivs: string;
  readonly cpus: string;
  readonly session: boolean;
  readonly hostname: string;
  readonly tmp: readonly string[];
  readonly exists: readonly boolean[];
  readonly environment: readonly string[];
  readonly random: number;
}

/** How to run a folder of test/functions/behaviours. */
export function behaviourSpec(behaviour: string, runtime: string, more: Partial<FunctionVersion> = {}): StartSpec {
  const version = aVersion({
    name: behaviour,
    runtime,
    handler: runtime.startsWith('node') ? 'index.handler' : 'lambda_function.lambda_handler',
    ...more,
  });
  const taskRoot = join(ROOT, 'test/functions/behaviours', behaviour);
  const environment = functionEnvironment(version, {
    taskRoot,
    dependencyRoot: null,
    logStream: 'stream',
    path: '/usr/local/bin:/usr/bin:/bin',
    initialization: 'snap-start',
    aws: { endpoint: 'http://127.0.0.1:8420', accessKeyId: 'AKIA', secretAccessKey: 'secret' },
  });
  return { version, taskRoot, dependencyRoot: null, environment, initTimeoutMs: 20_000, onDemand: true };
}
