import type { Usage, UsageRecord } from '../../client/answers.ts';
import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { bytes, duration, moment, money } from '../format.ts';

export interface UsageOptions extends EndpointOptions {
  /** Milliseconds back from now; without it the report begins with the first invocation. */
  readonly since?: number;
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
    const { since } = options;
    const answer = await client.usage({
      functionName: name,
      fromMs: since === undefined ? undefined : Math.floor(context.clock.now() - since),
    });
    if (options.json) context.out.json(answer);
    else await showTotals(context, answer, since);
    return EXIT.ok;
  });
}

async function showTotals({ out }: Context, usage: Usage, sinceMs: number | undefined): Promise<void> {
  if (usage.functions.length === 0)
    return out.note(sinceMs === undefined ? 'nothing was invoked yet' : `nothing was invoked in the last ${duration(sinceMs)}`);
  const row = (name: string, u: Usage['total']): string[] => [
    name,
    String(u.invocations),
    String(u.errors),
    String(u.coldStarts),
    duration(u.billedMs),
    u.gbSeconds,
    money(u.cost, usage.currency),
  ];
  const total = usage.functions.length > 1 ? [row('total', usage.total)] : [];
  await out.table(
    ['FUNCTION', 'INVOCATIONS', 'ERRORS', 'COLD STARTS', 'BILLED', 'GB-SECONDS', 'COST'],
    [...usage.functions.map((f) => row(f.functionName, f)), ...total],
  );
  const { alwaysOn } = usage;
  const span = duration(Number(alwaysOn.hours) * 3_600_000);
  out.line();
  out.line(
    `A machine kept on ${sinceMs === undefined ? `since the first invocation (${span} ago)` : `for these ${span}`} would have cost ${money(alwaysOn.cost, usage.currency)} (${money(alwaysOn.costPerHour, usage.currency)} an hour).`,
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
