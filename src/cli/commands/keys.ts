import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { KeySummary } from '../../client/keys.ts';
import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export interface KeyOptions extends EndpointOptions {
  readonly json?: boolean;
}

export interface CreateKeyOptions extends KeyOptions {
  readonly name?: string;
  readonly allow?: readonly string[];
  readonly on?: readonly string[];
  readonly statements?: string;
}

/** `hearth keys create`: a key, and its secret, this once. */
export async function createKey(context: Context, options: CreateKeyOptions): Promise<ExitCode> {
  const statements = await statementsOf(context, options);
  return withClient(context, options, async (client) => {
    const key = await client.keys.create({ name: options.name, ...(statements === undefined ? {} : { statements }) });
    if (options.json) context.out.json(key);
    else {
      context.out.line(`access key id      ${key.id}`);
      context.out.line(`secret access key  ${key.secret}`);
      context.out.note('\nthe secret is not shown again; from now on requests to this server must be signed');
    }
    return EXIT.ok;
  });
}

/** `hearth keys list` */
export async function listKeys(context: Context, options: KeyOptions): Promise<ExitCode> {
  return withClient(context, options, async (client) => {
    const keys = await client.keys.list();
    if (options.json) context.out.json({ keys });
    else if (keys.length === 0) context.out.note('no key was made: `hearth keys create` makes one');
    else await context.out.table(['KEY', 'NAME', 'MADE', 'MAY'], keys.map(row));
    return EXIT.ok;
  });
}

/** `hearth keys revoke` */
export async function revokeKey(context: Context, id: string, options: KeyOptions): Promise<ExitCode> {
  return withClient(context, options, async (client) => {
    await client.keys.revoke(id);
    if (options.json) context.out.json({ revoked: id });
    else context.out.line(`${id} is revoked`);
    return EXIT.ok;
  });
}

async function statementsOf(context: Context, { allow, on, statements }: CreateKeyOptions): Promise<unknown> {
  if (statements !== undefined) {
    if (allow !== undefined || on !== undefined)
      throw new CliError('give either --statements or --allow and --on', { fix: 'leave one out' });
    const path = resolve(context.cwd, statements);
    try {
      return JSON.parse(await readFile(path, 'utf8'));
    } catch (error) {
      throw new CliError(`${path} can't be read as JSON: ${(error as Error).message}`, {
        fix: 'write a policy with Statement, Effect, Action and Resource',
      });
    }
  }
  if (allow === undefined && on === undefined) return undefined;
  const functions = (on ?? []).flatMap((name) => [`arn:aws:lambda:*:*:function:${name}`, `arn:aws:lambda:*:*:function:${name}:*`]);
  return [{ Effect: 'Allow', Action: allow ?? ['lambda:*'], Resource: functions.length === 0 ? ['*'] : functions }];
}

function row({ id, name, createdAtMs, statements }: KeySummary): string[] {
  const may = statements === null ? 'everything' : statements.map((s) => `${s.Effect} ${[s.Action].flat().join(', ')}`).join('; ');
  return [id, name, new Date(createdAtMs).toISOString().slice(0, 16).replace('T', ' '), may];
}
