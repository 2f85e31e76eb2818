import { Command, Option } from 'commander';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { eventCommands } from './event-commands.ts';
import { EXIT_CODES_HELP, type ExitCode } from './exit-codes.ts';
import { keyCommands } from './key-commands.ts';
import { parseBudget, parseCount, parseFolder, parseSpan, parseWhen } from './options.ts';

const NODE_RUNTIME = `nodejs${process.versions.node.split('.')[0]}.x`;

type Done = (code: ExitCode) => void;

const endpoint = (): Option =>
  new Option('--endpoint <url>', 'the server (default: HEARTH_ENDPOINT, else the one of HEARTH_HOME, else port 8420 here)');
const json = (): Option => new Option('--json', 'one JSON document instead of text');
const file = (): Option => new Option('-f, --file <path>', 'another file than hearth.yaml here or above');
const port = (): Option =>
  new Option('--port <number>', 'where to listen (default: HEARTH_PORT, else 8420)').argParser(parseCount(0, 65_535));

const home = (what: string): Option =>
  new Option('--home <folder>', `${what} (default: HEARTH_HOME, else ~/.hearth)`).argParser(parseFolder);
const anonymous = (): Option => new Option('--anonymous', 'ask nobody for a key: whoever reaches the server may do everything');

/** The whole command line. A command's module is loaded when it runs, so that `--help` stays quick. */
export function program(context: Context, version: string, done: Done): Command {
  const hearth = new Command('hearth')
    .description('Serverless for AI functions, on your own machine.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeErr: (text) => context.out.stderr.write(text),
    })
    .addHelpText('after', '\n`hearth help exit-codes` says what the exit codes mean.')
    .hook('preAction', (_, command) => refuseEmpty(command));

  serverCommands(hearth, context, done);
  deployCommands(hearth, context, done);
  callCommands(hearth, context, done);
  explainCommands(hearth, context, done);
  eventCommands(hearth, context, done, () => [endpoint(), json()]);
  keyCommands(hearth, context, done, () => [endpoint(), json()]);
  residentCommands(hearth, context, done);

  const exitCodes = hearth.command('exit-codes', { hidden: true }).action(() => void context.out.stdout.write(EXIT_CODES_HELP));
  exitCodes.helpInformation = () => EXIT_CODES_HELP;
  nameHelp(hearth, 'hearth');
  return hearth;
}

/** No name and no id is empty, and one that is left out of a path would ask the server for something else. */
function refuseEmpty(command: Command): void {
  if (!command.args.includes('')) return;
  const path = command.parent?.parent ? `hearth ${command.parent.name()} ${command.name()}` : `hearth ${command.name()}`;
  throw new CliError(`an argument of \`${path}\` is empty`, {
    fix: `is it a variable of the shell that has no value? \`${path} --help\` shows what it takes`,
  });
}

/** What is wrong with a command's line leads to the help of that command. */
function nameHelp(command: Command, path: string): void {
  command.configureOutput({ outputError: (text, write) => write(`${text.trimEnd()}\nfix: \`${path} --help\` shows what there is\n`) });
  for (const part of command.commands) nameHelp(part, `${path} ${part.name()}`);
}

/** The server itself. */
function serverCommands(hearth: Command, context: Context, done: Done): void {
  hearth
    .command('up')
    .description('start the server here and deploy the functions of hearth.yaml')
    .addOption(port())
    .option('--host <address>', 'the address to listen on (default: 127.0.0.1)')
    .addOption(home('where state is kept'))
    .addOption(anonymous())
    .option('-d, --detach', 'in the background; `hearth down` ends it')
    .addOption(file())
    .option('--no-deploy', 'deploy nothing')
    .addOption(json())
    .addOption(new Option('--announce <fd>').argParser(parseCount(3)).hideHelp())
    .action(async (options) => done(await (await import('./commands/up.ts')).up(context, options)));

  hearth
    .command('down')
    .description('end the server in the background')
    .addOption(home('whose server'))
    .addOption(json())
    .action(async (options) => done(await (await import('./commands/down.ts')).down(context, options)));

  hearth
    .command('status')
    .description('the server, what it can run, and how it confines')
    .addOption(endpoint())
    .addOption(json())
    .action(async (options) => done(await (await import('./commands/status.ts')).status(context, options)));
}

/** What makes functions, and makes them go. */
function deployCommands(hearth: Command, context: Context, done: Done): void {
  hearth
    .command('init [folder]')
    .description('write a first function and its hearth.yaml')
    .option('--runtime <name>', 'nodejs20.x, python3.11, …', NODE_RUNTIME)
    .addOption(json())
    .action(async (folder, options) => done(await (await import('./commands/init.ts')).init(context, folder, options)));

  hearth
    .command('deploy [names...]')
    .description('deploy functions of hearth.yaml: those named, or all')
    .addOption(new Option('--init-budget <span>', 'deploy nothing whose init phase takes longer: 500ms, 2s').argParser(parseBudget))
    .addOption(file())
    .addOption(endpoint())
    .addOption(json())
    .action(async (names, options) => done(await (await import('./commands/deploy.ts')).deploy(context, names, options)));

  hearth
    .command('dev [names...]')
    .description('redeploy on save and show the log')
    .addOption(anonymous())
    .addOption(file())
    .addOption(endpoint())
    .action(async (names, options) => done(await (await import('./commands/dev.ts')).dev(context, names, options)));

  hearth
    .command('rm <name>')
    .description('remove a function; its usage stays')
    .option('-y, --yes', 'do not ask')
    .addOption(endpoint())
    .addOption(json())
    .action(async (name, options) => done(await (await import('./commands/rm.ts')).rm(context, name, options)));
}

/** Calling, and what it left behind. */
function callCommands(hearth: Command, context: Context, done: Done): void {
  hearth
    .command('invoke <name>')
    .description('call a function and print its answer')
    .option('--data <json>', 'the event')
    .option('--file <path>', 'the event: a JSON file, `-` for standard input, or any other file, wrapped as a request')
    .option('--qualifier <version>', 'a version or alias')
    .option('--async', 'do not wait: the event is put into the ledger, and `hearth events show` tells what became of it')
    .option('--log', 'show the end of the log as well')
    .option('--raw', 'the bytes of the answer, untouched')
    .addOption(endpoint())
    .addOption(json())
    .action(async (name, options) => done(await (await import('./commands/invoke.ts')).invoke(context, name, options)));

  hearth
    .command('logs [name]')
    .description('what functions printed')
    .option('-f, --follow', 'go on until Ctrl-C')
    .addOption(new Option('--since <span>', 'no further back than this: 90s, 10m, 24h').argParser(parseSpan))
    .addOption(new Option('--tail <lines>', 'only the last lines (default: 100, all with --since)').argParser(parseCount(0)))
    .addOption(endpoint())
    .option('--json', 'one JSON document a line')
    .action(async (name, options) => done(await (await import('./commands/logs.ts')).logs(context, name, options)));

  hearth
    .command('triggers [name]')
    .description('what invokes functions: state, lag, last and next time')
    .addOption(endpoint())
    .addOption(json())
    .action(async (name, options) => done(await (await import('./commands/triggers.ts')).triggers(context, name, options)));

  hearth
    .command('usage [name]')
    .description('what functions did and cost')
    .addOption(
      new Option('--since <when>', 'a span back (24h, 30d) or a date in UTC (2026-11); default: the first invocation').argParser(parseWhen),
    )
    .addOption(new Option('--until <when>', 'before: a span back or a date (2026-12); default: now').argParser(parseWhen))
    .addOption(
      new Option('--records <count>', 'the last invocations, one by one').argParser(parseCount(1, 10_000)).conflicts(['since', 'until']),
    )
    .addOption(endpoint())
    .addOption(json())
    .action(async (name, options) => done(await (await import('./commands/usage.ts')).usage(context, name, options)));
}

/** Where the time went. */
function explainCommands(hearth: Command, context: Context, done: Done): void {
  hearth
    .command('explain <request-or-function>')
    .description('where the time of an invocation went, or of a function’s last cold start, and what would make it less')
    .addOption(endpoint())
    .addOption(json())
    .action(async (name, options) => done(await (await import('./commands/explain.ts')).explain(context, name, options)));
}

/** What is in memory. */
function residentCommands(hearth: Command, context: Context, done: Done): void {
  hearth
    .command('ps')
    .description('the functions, and what of them is resident')
    .addOption(endpoint())
    .addOption(json())
    .action(async (options) => done(await (await import('./commands/ps.ts')).ps(context, options)));

  hearth
    .command('evict <name>')
    .description('end what is resident of a function, so that it starts from a lower rung')
    .addOption(new Option('--to <rung>', 'where the next start begins').choices(['snapshot', 'zygote', 'disk']).makeOptionMandatory())
    .addOption(endpoint())
    .addOption(json())
    .action(async (name, options) => done(await (await import('./commands/evict.ts')).evict(context, name, options)));
}
