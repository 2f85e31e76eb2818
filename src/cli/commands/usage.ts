import type { Usage, UsageRecord } from '../../client/answers.ts';
import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { billedTime, bytes, duration, moment, money, span } from '../format.ts';

export interface UsageOptions extends EndpointOptions {
  /** Milliseconds back from now, or a date; without it the report begins with the first invocation. */
  readonly since?: number | Date;
  /** The same; without it the report ends now. */
  readonly until?: number | Date;
  readonly records?: number;
  readonly json?: boolean;
}

/** `hearth usage`: what functions did and cost, and what a machine kept on would have; or the single records. */
export async function usage(context: Context, name: string | undefined, options: UsageOptions): Promise<ExitCode> {
  return withClient(context, options, async (client) => {
    if (options.records !== undefined) {
      const records = await client.usageRecords({ functionName: name, limit: options.records });
      if (options.json) context.out.json({ records });
      else await showRecords(context, records);
      return EXIT.ok;
    }
    const [fromMs, toMs] = [options.since, options.until].map((when) => momentOf(context, when));
    if (fromMs !== undefined && toMs !== undefined && fromMs > toMs)
      throw new CliError('--since is after --until', { fix: 'hearth usage --since 2026-11 --until 2026-12 reports a month' });
    const answer = await client.usage({ functionName: name, fromMs, toMs });
    if (options.json) context.out.json(answer);
    else await showTotals(context, answer, options);
    return EXIT.ok;
  });
}

function momentOf({ clock }: Context, when: number | Date | undefined): number | undefined {
  return when instanceof Date ? when.getTime() : when === undefined ? undefined : Math.max(0, Math.floor(clock.now() - when));
}

async function showTotals({ out }: Context, usage: Usage, { since, until }: UsageOptions): Promise<void> {
  if (usage.functions.length === 0) {
    const then = typeof since === 'number' && until === undefined ? `in the last ${span(since)}` : 'in that time';
    return out.note(`nothing was invoked ${since === undefined && until === undefined ? 'yet' : then}`);
  }
  const row = (name: string, u: Usage['total']): string[] => [
    name,
    String(u.invocations),
    String(u.errors),
    String(u.coldStarts),
    billedTime(u.billedMs),
    u.gbSeconds,
    money(u.cost, usage.currency),
  ];
  const total = usage.functions.length > 1 ? [row('total', usage.total)] : [];
  await out.table(
    ['FUNCTION', 'INVOCATIONS', 'ERRORS', 'COLD STARTS', 'BILLED', 'GB-SECONDS', 'COST'],
    [...usage.functions.map((f) => row(f.functionName, f)), ...total],
  );
  const { alwaysOn } = usage;
  const length = span(Number(alwaysOn.hours) * 3_600_000);
  const sinceFirst =
    until === undefined ? `since the first invocation (${length} ago)` : `from the first invocation until then (${length})`;
  out.line();
  out.line(
    `A machine kept on ${since === undefined ? sinceFirst : `for these ${length}`} would have cost ${money(alwaysOn.cost, usage.currency)} (${money(alwaysOn.costPerHour, usage.currency)} an hour).`,
  );
}

async function showRecords({ out, clock }: Context, records: readonly UsageRecord[]): Promise<void> {
  if (records.length === 0) return out.note('no usage records yet');
  await out.table(
    ['TIME', 'FUNCTION', 'OUTCOME', 'DURATION', 'BILLED', 'INIT', 'COLD FROM', 'WAITED', 'MEMORY', 'IN', 'OUT', 'REQUEST'],
    records.map((r) => [
      moment(r.startedAtMs, clock.now()),
      r.functionName,
      r.outcome,
      duration(r.durationMs),
      `${r.billedMs} ms`,
      r.initMs === null ? '-' : `${duration(r.initMs)}${r.initBilled ? '' : ' (free)'}`,
      r.coldRung ?? 'warm',
      r.coldRung === null ? '-' : duration(r.coldMs),
      `${r.memoryUsedMb}/${r.memoryMb} MB`,
      bytes(r.bytesIn),
      bytes(r.bytesOut),
      r.requestId,
    ]),
    ['IN', 'OUT', 'INIT', 'MEMORY', 'WAITED', 'BILLED'],
  );
}
