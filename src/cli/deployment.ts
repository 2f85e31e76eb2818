import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { Deployed } from '../client/answers.ts';
import type { HearthClient } from '../client/client.ts';
import { CliError, asCliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { count, bytes } from './format.ts';
import { parseHearthFile, type DeclaredFunction, type HearthFile } from './hearth-file.ts';
import { explainInitFailure, type InitFailure } from './init-failure.ts';
import { listFiles } from './package-folder.ts';
import { zipOf } from './zip.ts';

/** What became of one function of a deployment. */
export type Outcome =
  | { readonly name: string; readonly deployed: Deployed; /** Why its init phase failed, if it did. */ readonly failure?: InitFailure }
  | { readonly name: string; readonly error: CliError };

/** Why an outcome is no success: it was not deployed, or it was, and can't run. Null: it is one. */
export function failureOf(outcome: Outcome): CliError | null {
  if ('error' in outcome) return outcome.error;
  const { functionName, initError } = outcome.deployed;
  if (initError === null) return null;
  const { text, fix } = outcome.failure ?? { text: initText(initError), fix: null };
  return new CliError(`it is deployed, but its init phase failed, and so will every invocation: ${text}`, {
    fix: fix ?? `correct the function and deploy again; \`hearth logs ${functionName}\` shows what it printed`,
    exitCode: EXIT.deployFailed,
  });
}

function initText({ errorType, errorMessage }: NonNullable<Deployed['initError']>): string {
  return `${errorType}: ${errorMessage}`;
}

/** How it is deployed. */
export interface DeployHow {
  readonly signal?: AbortSignal | undefined;
  /** Longest that the init phase may take, milliseconds: else nothing is deployed. */
  readonly initBudgetMs?: number | undefined;
}

/** Packs a function's folder, hands it over and makes it so. Steps are told in words, for a person. */
export async function deployFunction(
  client: HearthClient,
  declared: DeclaredFunction,
  how: DeployHow | undefined,
  tell: (message: string) => void,
): Promise<Deployed> {
  const files = await listFiles(declared.folder);
  if (files.length === 0)
    throw new CliError(`there is nothing to deploy in ${declared.folder}`, { fix: 'correct `code:` in hearth.yaml, or .hearthignore' });
  const size = files.reduce((sum, file) => sum + file.bytes, 0);
  tell(`packing ${count(files.length, 'file')}, ${bytes(size)}`);
  const { source } = await client.uploadSource(zipOf(files), how?.signal);
  const manifest =
    declared.sampleFile === undefined ? declared.manifest : { ...declared.manifest, rehearse: await sampleEvent(declared.sampleFile) };
  const from = declared.file === undefined ? undefined : { host: hostname(), file: declared.file };
  const deployed = await client.deploy(declared.name, { source, manifest, from, ...how }, (step) => tell(step.message));
  const taken = deployed.unchanged ? null : await takenFrom(deployed, declared.file);
  return taken === null ? deployed : { ...deployed, warnings: [...deployed.warnings, taken] };
}

/**
 * What to say of a function that another project has, too: its file is still there and declares one of that name. Of a project that was moved, or
 * is deployed from another folder each time, as continuous integration does, there is nothing to say; nor of one that has several files.
 */
async function takenFrom({ functionName, before }: Deployed, file = ''): Promise<string | null> {
  if (!before || before.host !== hostname() || dirname(before.file) === dirname(file)) return null;
  const text = await readFile(before.file, 'utf8').catch(() => null);
  const other = text === null ? null : await parseHearthFile(text, before.file).catch(() => null);
  if (!other?.functions.some(({ name }) => name === functionName)) return null;
  return `it has taken the place of the function of that name in ${before.file}, which was deployed last; give one of the two another name`;
}

/** Read at each deployment, like the code. */
async function sampleEvent(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new CliError(`can't read the sample event in ${file}: ${(cause as Error).message}`, {
      fix: 'correct `rehearse:` in hearth.yaml, or the JSON in that file',
      cause,
    });
  }
}

/** The same, with its error as a value: one function that fails does not keep the others. */
export async function tryDeploy(...args: Parameters<typeof deployFunction>): Promise<Outcome> {
  const [, declared, how] = args;
  const { name } = declared;
  try {
    const deployed = await deployFunction(...args);
    if (deployed.initError === null) return { name, deployed };
    return { name, deployed, failure: await explainInitFailure(initText(deployed.initError), declared) };
  } catch (error) {
    if (how?.signal?.aborted) throw error;
    const known = asCliError(error);
    if ((error as { errorType?: string }).errorType !== 'InitFailed') return { name, error: known };
    const { exitCode, output } = known;
    const { text, fix } = await explainInitFailure(known.message, declared);
    return { name, error: new CliError(text, { exitCode, output, fix: fix ?? known.fix ?? undefined, cause: error }) };
  }
}

/** Those of a file's functions that were named; all when none was. */
export function chosen(file: HearthFile, names: readonly string[]): readonly DeclaredFunction[] {
  if (names.length === 0) return file.functions;
  return [...new Set(names)].map((name) => {
    const found = file.functions.find((f) => f.name === name);
    if (found) return found;
    const known = file.functions.map((f) => f.name).join(', ');
    throw new CliError(`there is no function ${name} in ${file.path}`, { fix: `it has ${known}` });
  });
}
