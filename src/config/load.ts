import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { HearthError } from '../errors.ts';
import { explain } from '../model/manifest-errors.ts';
import type { Config } from './config.ts';
import { DEFAULTS } from './defaults.ts';
import { configFileSchema, type ConfigFile } from './schema.ts';

/** What a command line may override. */
export interface ConfigOverrides {
  readonly home?: string;
  readonly host?: string;
  readonly port?: number;
  /** Asks for anonymous mode, of every API. */
  readonly anonymous?: boolean;
}

/**
 * Defaults, then `config.yaml` in HEARTH_HOME, then the environment (HEARTH_HOME, HEARTH_HOST, HEARTH_PORT, HEARTH_ALLOWED_HOSTS,
 * HEARTH_LOG_LEVEL, DATABASE_URL; an empty one counts as not set), then overrides. Frozen. Throws HearthError ValidationException that names the key.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>, overrides: ConfigOverrides = {}): Config {
  const home = resolve(overrides.home ?? (env['HEARTH_HOME'] || join(homedir(), '.hearth')));
  const file = readFile(join(home, 'config.yaml'));
  const merged = merge(file);
  const config: Config = {
    ...merged,
    home,
    host: overrides.host ?? (env['HEARTH_HOST'] || merged.host),
    port: overrides.port ?? port(env['HEARTH_PORT']) ?? merged.port,
    databaseUrl: env['DATABASE_URL'] || merged.databaseUrl,
    allowedHosts: hosts(env['HEARTH_ALLOWED_HOSTS']) ?? merged.allowedHosts,
    logLevel: level(env['HEARTH_LOG_LEVEL']) ?? merged.logLevel,
    auth: overrides.anonymous === true ? { required: false, anonymous: true } : merged.auth,
  };
  return freeze(config);
}

function merge(file: ConfigFile): Omit<Config, 'home'> {
  return {
    ...DEFAULTS,
    ...defined(file),
    auth: { ...DEFAULTS.auth, ...defined(file.auth ?? {}) },
    limits: { ...DEFAULTS.limits, ...defined(file.limits ?? {}) },
    fleet: { ...DEFAULTS.fleet, ...defined(file.fleet ?? {}) },
    events: { ...DEFAULTS.events, ...defined(file.events ?? {}) },
    metering: { ...DEFAULTS.metering, ...defined(file.metering ?? {}) },
  };
}

/** Without members that are undefined: they must not cover a default. */
function defined<T extends object>(part: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(part).filter(([, v]) => v !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> };
}

function readFile(path: string): ConfigFile {
  if (!existsSync(path)) return {};
  const value = yamlIn(path) ?? {};
  try {
    return explain(configFileSchema, value);
  } catch (error) {
    if (!(error instanceof HearthError)) throw error;
    const [first = '', ...others] = error.message.split('\n').map((line) => `${path}: ${line.replace(/^\(top\): /, '')}`);
    throw new HearthError('ValidationException', [first, ...others.map((line) => `       ${line}`)].join('\n'), { cause: error });
  }
}

function yamlIn(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new HearthError('ValidationException', `${path}: not valid YAML: ${(error as Error).message.trim()}`);
  }
}

function port(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const n = Number(text);
  if (Number.isInteger(n) && n >= 0 && n <= 65_535) return n;
  throw new HearthError('ValidationException', `HEARTH_PORT must be a number from 0 to 65535, not '${text}'`);
}

function hosts(text = ''): string[] | undefined {
  const items = text.split(',').map((host) => host.trim());
  const named = items.filter((host) => host !== '');
  return named.length === 0 ? undefined : named;
}

function level(text: string | undefined): Config['logLevel'] | undefined {
  if (text === undefined || text === '') return undefined;
  const parsed = configFileSchema.shape.logLevel.safeParse(text);
  if (parsed.success && parsed.data !== undefined) return parsed.data;
  throw new HearthError('ValidationException', `HEARTH_LOG_LEVEL must be debug, info, warn, error or silent, not '${text}'`);
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const v of Object.values(value)) freeze(v);
  return Object.freeze(value);
}
