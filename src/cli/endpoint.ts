import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { DEFAULTS } from '../config/defaults.ts';
import { CliError } from './errors.ts';
import { readStatusFile } from './status-file.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The folder of all state, as the server's configuration has it. */
export function homeOf(env: Env): string {
  return resolve(env['HEARTH_HOME'] || join(homedir(), '.hearth'));
}

/** Where the server is: `--endpoint`, HEARTH_ENDPOINT, the status file of the home, or the default port here. */
export async function resolveEndpoint(env: Env, option: string | undefined): Promise<string> {
  const given = option ?? (env['HEARTH_ENDPOINT'] || undefined);
  if (given !== undefined) return checked(given, option === undefined ? 'HEARTH_ENDPOINT' : '--endpoint');
  const running = await readStatusFile(homeOf(env));
  return running?.endpoint ?? `http://${DEFAULTS.host}:${portIn(env)}`;
}

function portIn(env: Env): number {
  const text = env['HEARTH_PORT'] || String(DEFAULTS.port);
  if (/^\d+$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new CliError(`HEARTH_PORT must be a number from 0 to 65535, not '${text}'`, { fix: 'correct it, or `unset HEARTH_PORT`' });
}

function checked(text: string, from: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text;
  throw new CliError(`${from} is not an http address: ${text}`, { fix: `write it like http://${DEFAULTS.host}:${DEFAULTS.port}` });
}
