import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { KeySummary } from '../../client/keys.ts';
import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { homeOf, resolveEndpoint } from '../endpoint.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { keyFor } from '../key.ts';
import { configFor } from '../server.ts';
import { shellWord } from '../shell-word.ts';

export interface KeyOptions extends EndpointOptions {
  readonly json?: boolean;
}

export interface CreateKeyOptions extends KeyOptions {
  readonly name?: string;
  readonly allow?: readonly string[];
  readonly on?: readonly string[];
  readonly bucket?: readonly string[];
  readonly queue?: readonly string[];
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
      context.out.note('\nthe secret is not shown again');
    }
    return EXIT.ok;
  });
}

/** `hearth keys env`: what a shell evaluates so that AWS's tools and SDKs use the server, with the key that this command signs with. */
export async function printEnvironment(context: Context, options: KeyOptions): Promise<ExitCode> {
  const endpoint = await resolveEndpoint(context.env, options.endpoint);
  const key = keyFor(context.env);
  if (key === null)
    throw new CliError(`there is no key in ${homeOf(context.env)}: no server was started on it, or the key is for other eyes`, {
      fix: 'start one with `hearth up`, or set HEARTH_HOME, or HEARTH_ACCESS_KEY_ID and HEARTH_SECRET_ACCESS_KEY',
    });
  const { region } = await configFor(context, {});
  const variables = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: key.id,
    AWS_SECRET_ACCESS_KEY: key.secret,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
  };
  if (options.json) {
    context.out.json(variables);
    return EXIT.ok;
  }
  for (const [name, value] of Object.entries(variables)) context.out.line(`export ${name}=${shellWord(value)}`);
  // They would go before the key: a profile of the user's own account, a token of its session.
  context.out.line('unset AWS_PROFILE AWS_SESSION_TOKEN');
  return EXIT.ok;
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
    await client.keys.revoke(id).catch((error: Error & { status?: number }) => {
      if (error.status !== 404) throw error;
      throw new CliError(`there is no key ${id}`, {
        fix: '`hearth keys` lists those that were made',
        exitCode: EXIT.notFound,
        cause: error,
      });
    });
    if (options.json) context.out.json({ revoked: id });
    else context.out.line(`${id} is revoked`);
    return EXIT.ok;
  });
}

async function statementsOf(context: Context, options: CreateKeyOptions): Promise<unknown> {
  const { allow, on, bucket, queue, statements } = options;
  if (statements !== undefined) {
    if ([allow, on, bucket, queue].some((given) => given !== undefined))
      throw new CliError('give either --statements or --allow, --on, --bucket and --queue', { fix: 'leave one out' });
    const path = resolve(context.cwd, statements);
    try {
      return JSON.parse(await readFile(path, 'utf8'));
    } catch (error) {
      throw new CliError(`${path} can't be read as JSON: ${(error as Error).message}`, {
        fix: 'write a policy with Statement, Effect, Action and Resource',
      });
    }
  }
  const kinds = [
    {
      names: on,
      action: 'lambda:*',
      arns: (name: string) => [`arn:aws:lambda:*:*:function:${name}`, `arn:aws:lambda:*:*:function:${name}:*`],
    },
    { names: bucket, action: 's3:*', arns: (name: string) => [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`] },
    { names: queue, action: 'sqs:*', arns: (name: string) => [`arn:aws:sqs:*:*:${name}`] },
  ].filter(({ names }) => names !== undefined);
  if (allow === undefined && kinds.length === 0) return undefined;
  allow?.forEach(requireAction);
  const Resource = kinds.flatMap(({ names = [], arns }) => names.flatMap(arns));
  return [{ Effect: 'Allow', Action: allow ?? kinds.map(({ action }) => action), Resource: Resource.length === 0 ? ['*'] : Resource }];
}

const ACTION = /^(?:\*|[a-z][a-z0-9-]*:[\w*?]+)$/i;

/** Before the server is asked, which speaks of the statements that these options become. */
function requireAction(action: string): void {
  if (ACTION.test(action)) return;
  throw new CliError(`--allow ${shellWord(action)}: an action is a service and what it does, such as lambda:InvokeFunction`, {
    fix: /^\s*[{[]/.test(action)
      ? 'write the statements into a file, and give that with --statements'
      : "write the service before it: --allow lambda:InvokeFunction; --allow 'lambda:*' is all of Lambda",
  });
}

function row({ id, name, createdAtMs, statements }: KeySummary): string[] {
  const may = statements === null ? 'everything' : statements.map(mayDo).join('; ');
  return [id, name, new Date(createdAtMs).toISOString().slice(0, 16).replace('T', ' '), may];
}

/** A statement in a line: `Allow lambda:InvokeFunction on function:hello`. */
function mayDo({ Effect, Action, Resource }: NonNullable<KeySummary['statements']>[number]): string {
  const arns = [Resource].flat();
  // What is in it (`NAME:*`, `BUCKET/*`) goes without saying where it is named itself.
  const named = arns.filter((arn) => !/[:/]\*$/.test(arn) || !arns.includes(arn.slice(0, -2)));
  return `${Effect} ${[Action].flat().join(', ')} on ${named.map(shortArn).join(', ')}`;
}

/** Without region and account where those are any: `function:hello`, `s3:pictures`, `sqs:work`. */
function shortArn(arn: string): string {
  return arn.replace(/^arn:aws:(\w+):\*?:\*?:/, (_, service: string) => (service === 'lambda' ? '' : `${service}:`));
}
