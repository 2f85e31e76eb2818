import { Command, Option } from 'commander';
import type { Context } from './context.ts';
import type { ExitCode } from './exit-codes.ts';
import { parseCount, parseWhen } from './options.ts';

const STATES = ['waiting', 'held', 'ready', 'running', 'succeeded', 'failed'];
const SOURCES = ['async', 'objects', 'database', 'schedule', 'queue', 'events', 'destination'];

/** `hearth events` with what is below it. `shared`: options that every command has. */
export function eventCommands(hearth: Command, context: Context, done: (code: ExitCode) => void, shared: () => Option[]): void {
  const load = () => import('./commands/events.ts');
  const events = hearth.command('events').description('what became of events: uploads, changes, ticks, messages, asynchronous calls');

  const list = events.command('list [function]', { isDefault: true }).description('newest first');
  for (const option of [...filters(), ...shared()]) list.addOption(option);
  list
    .addOption(new Option('--state <state>', 'only those in this state').choices(STATES))
    .addOption(new Option('--limit <count>', 'at most so many (default: 50)').argParser(parseCount(1, 1_000)))
    .action(async (name, options) => done(await (await load()).listEvents(context, name, options)));

  const show = events.command('show <event>').description('one event, with its attempts and its payload');
  for (const option of shared()) show.addOption(option);
  show.action(async (id, options) => done(await (await load()).showEvent(context, id, options)));

  const redrive = events
    .command('redrive [event]')
    .description('queue events again: one, all that failed, or with --state finished everything under a prefix since a date');
  for (const option of [...filters(), ...shared()]) redrive.addOption(option);
  redrive
    .option('--function <name>', 'only those of this function')
    .addOption(new Option('--state <state>', 'which of the finished ones (default: failed)').choices(['failed', 'succeeded', 'finished']))
    .action(async (id, options) => done(await (await load()).redriveEvents(context, id, options)));
}

function filters(): Option[] {
  return [
    new Option('--source <source>', 'only from this kind of source').choices(SOURCES),
    new Option('--prefix <text>', 'only those whose subject (bucket/key, schema.table) begins so'),
    new Option('--since <when>', 'not before: a span back (24h, 7d) or a date (2026-11-18)').argParser(parseWhen),
    new Option('--until <when>', 'before: a span back or a date').argParser(parseWhen),
  ];
}
