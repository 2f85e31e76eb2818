import type { Command, Option } from 'commander';
import type { Context } from './context.ts';
import type { ExitCode } from './exit-codes.ts';

const more = (value: string, before: string[] = []): string[] => [...before, value];

/** `hearth keys` with what is below it. `shared`: options that every command has. */
export function keyCommands(hearth: Command, context: Context, done: (code: ExitCode) => void, shared: () => Option[]): void {
  const load = () => import('./commands/keys.ts');
  const keys = hearth
    .command('keys')
    .description('who may use this server: requests are signed by one of its keys (AWS Signature Version 4)');

  const create = keys
    .command('create')
    .description(
      'make a key; its secret is shown once. Without any of --allow, --on, --bucket, --queue and --statements it may do everything',
    );
  for (const option of shared()) create.addOption(option);
  create
    .option('--name <text>', 'for people')
    .option('--allow <action>', 'what it may do: lambda:InvokeFunction, s3:GetObject, sqs:*, hearth:Read; may be repeated', more)
    .option('--on <function>', 'only with this function; may be repeated', more)
    .option('--bucket <name>', 'only with this bucket and what is in it; may be repeated', more)
    .option('--queue <name>', 'only with this queue; may be repeated', more)
    .option('--statements <file>', 'a policy in the form of IAM’s, instead of --allow and what it is allowed on')
    .action(async (options) => done(await (await load()).createKey(context, options)));

  const env = keys
    .command('env')
    .description(
      'print exports that give AWS’s tools and SDKs the server and the key that this command signs with: eval "$(hearth keys env)"',
    );
  for (const option of shared()) env.addOption(option);
  env.action(async (options) => done(await (await load()).printEnvironment(context, options)));

  const list = keys.command('list', { isDefault: true }).description('the keys that were made');
  for (const option of shared()) list.addOption(option);
  list.action(async (options) => done(await (await load()).listKeys(context, options)));

  const revoke = keys.command('revoke <id>').description('from now on nothing that it signs is taken');
  for (const option of shared()) revoke.addOption(option);
  revoke.action(async (id, options) => done(await (await load()).revokeKey(context, id, options)));
}
