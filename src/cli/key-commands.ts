import type { Command, Option } from 'commander';
import type { Context } from './context.ts';
import type { ExitCode } from './exit-codes.ts';

const more = (value: string, before: string[] = []): string[] => [...before, value];

/** `hearth keys` with what is below it. `shared`: options that every command has. */
export function keyCommands(hearth: Command, context: Context, done: (code: ExitCode) => void, shared: () => Option[]): void {
  const load = () => import('./commands/keys.ts');
  const keys = hearth
    .command('keys')
    .description('who may use this server: once there is a key, or beyond loopback, requests must be signed (AWS Signature Version 4)');

  const create = keys.command('create').description('make a key; its secret is shown once. Without --allow it may do everything');
  for (const option of shared()) create.addOption(option);
  create
    .option('--name <text>', 'for people')
    .option('--allow <action>', 'what it may do: lambda:InvokeFunction, lambda:*, s3:*, hearth:*; may be repeated', more)
    .option('--on <function>', 'only with this function; may be repeated', more)
    .option('--statements <file>', 'a policy in the form of IAM’s, instead of --allow and --on')
    .action(async (options) => done(await (await load()).createKey(context, options)));

  const list = keys.command('list', { isDefault: true }).description('the keys that were made');
  for (const option of shared()) list.addOption(option);
  list.action(async (options) => done(await (await load()).listKeys(context, options)));

  const revoke = keys.command('revoke <id>').description('from now on nothing that it signs is taken');
  for (const option of shared()) revoke.addOption(option);
  revoke.action(async (id, options) => done(await (await load()).revokeKey(context, id, options)));
}
