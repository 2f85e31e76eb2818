import type { EventDetail, EventQuery, EventSummary } from '../../client/events.ts';
import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { bytes, count, day, duration, moment, timeOfDay } from '../format.ts';

export interface EventOptions extends EndpointOptions {
  readonly state?: string;
  readonly source?: string;
  readonly prefix?: string;
  /** Milliseconds back from now, or a date. */
  readonly since?: number | Date;
  readonly until?: number | Date;
  readonly limit?: number;
  readonly json?: boolean;
}

export interface RedriveOptions extends EventOptions {
  readonly function?: string;
}

/** `hearth events`: what became of events, newest first. */
export async function listEvents(context: Context, name: string | undefined, options: EventOptions): Promise<ExitCode> {
  return withClient(context, options, async (client) => {
    const { events } = await client.events.list({ ...queryOf(context, name, options), limit: options.limit ?? 50 });
    if (options.json) context.out.json({ events });
    else if (events.length === 0)
      context.out.note(
        isFiltered(name, options)
          ? 'no such events'
          : 'no events yet: uploads, changes, ticks, messages and `hearth invoke --async` make them',
      );
    else
      await context.out.table(['TIME', 'FUNCTION', 'SOURCE', 'SUBJECT', 'STATE', 'ATTEMPTS', 'EVENT'], events.map(row), [
        'ATTEMPTS',
        'SOURCE',
      ]);
    return EXIT.ok;
  });
}

/** `hearth events show`: one event, with its attempts. */
export async function showEvent(context: Context, id: string, options: EventOptions): Promise<ExitCode> {
  return withClient(context, options, async (client) => {
    const deliveries = await client.events.show(id).catch(notThere);
    if (options.json) context.out.json({ deliveries });
    else for (const delivery of deliveries) await show(context, delivery);
    return EXIT.ok;
  });
}

/** `hearth events redrive`: queues again what failed, or what is named. */
export async function redriveEvents(context: Context, id: string | undefined, options: RedriveOptions): Promise<ExitCode> {
  const { state = 'failed', prefix, since } = options;
  if (state !== 'failed' && id === undefined && prefix === undefined && since === undefined)
    throw new CliError(`--state ${state} names events that went well: say which of them`, {
      fix: 'give --prefix or --since as well, or the id of one event',
    });
  return withClient(context, options, async (client) => {
    const asked = client.events.redrive({ ...queryOf(context, options.function, options), event: id });
    const redriven = await (id === undefined ? asked : asked.catch(notThere));
    if (options.json) context.out.json({ redriven });
    else context.out.line(`${count(redriven, 'event')} queued again`);
    return EXIT.ok;
  });
}

function isFiltered(name: string | undefined, { state, source, prefix, since, until }: EventOptions): boolean {
  return [name, state, source, prefix, since, until].some((given) => given !== undefined);
}

/** No event of that id. */
function notThere(error: Error & { status?: number }): never {
  if (error.status !== 404) throw error;
  throw new CliError(error.message, { fix: '`hearth events` lists them with their ids', exitCode: EXIT.notFound, cause: error });
}

function queryOf(context: Context, functionName: string | undefined, { state, source, prefix, since, until }: EventOptions): EventQuery {
  const at = (time: number | Date | undefined): number | undefined =>
    time instanceof Date ? time.getTime() : time === undefined ? undefined : Math.max(0, Math.floor(context.clock.now() - time));
  return { functionName, state, source, prefix, fromMs: at(since), toMs: at(until) };
}

function row(e: EventSummary): string[] {
  const state = e.reason === null ? e.state : `${e.state}: ${e.reason}`;
  const to = e.destination ?? e.function ?? `(removed) ${e.functionId}`;
  return [`${day(e.acceptedAtMs)} ${timeOfDay(e.acceptedAtMs)}`, to, e.source, e.subject || '-', state, String(e.attempts), e.eventId];
}

async function show({ out, clock }: Context, e: EventDetail): Promise<void> {
  const lines: [string, string][] = [
    ['event', e.eventId],
    ['to', e.destination ?? e.function ?? `(removed) ${e.functionId}`],
    ['source', [e.source, e.sourceArn, e.subject].filter((t) => t !== '').join(' ')],
    ['state', e.reason === null ? e.state : `${e.state}: ${e.reason}`],
    ['accepted', new Date(e.acceptedAtMs).toISOString()],
    ['request', e.requestId],
  ];
  if (e.state === 'ready' || e.state === 'held') lines.push(['next attempt', new Date(e.dueAtMs).toISOString()]);
  if (e.finishedAtMs !== null)
    lines.push(['finished', `${new Date(e.finishedAtMs).toISOString()} (after ${duration(e.finishedAtMs - e.acceptedAtMs)})`]);
  if (e.lineage !== '') lines.push(['lineage', e.lineage]);
  for (const [name, value] of lines) out.line(`${out.paint('bold', `${name}:`.padEnd(14))}${value}`);
  if (e.history.length > 0)
    await out.table(
      ['ATTEMPT', 'TIME', 'DURATION', 'OUTCOME', 'ERROR'],
      e.history.map((a) => [
        String(a.attempt),
        moment(a.startedAtMs, clock.now()),
        duration(a.durationMs),
        a.outcome,
        a.errorType === '' ? '-' : `${a.errorType}: ${a.message}`,
      ]),
    );
  out.line(`${out.paint('bold', 'payload:'.padEnd(14))}${e.payload.length > 2_000 ? `${bytes(e.payloadBytes)}, see --json` : e.payload}`);
}
