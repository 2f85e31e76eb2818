import type { Explanation, Step } from '../../client/answers.ts';
import type { HearthClient } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { duration, moment } from '../format.ts';
import type { Output } from '../output.ts';
import { drawWaterfall, type Row } from '../waterfall.ts';

export interface ExplainOptions extends EndpointOptions {
  readonly json?: boolean;
}

/** What may be a function's name and is not the id of a request, which is a UUID. */
const FUNCTION = /^(?![\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$)[\w-]{1,64}$/i;
const COLOURS = { invocation: 'green', runtime: 'magenta', snapshot: 'blue', instance: 'cyan' } as const;
/** Who waited no longer than that waited for nothing but the server itself. */
const SHORT_MS = 5;
const LEAST_COLUMNS = 20;
const MOST_COLUMNS = 100;

/** `hearth explain`: where the time of one invocation went, why its start began where it did, and what would make it faster. */
export async function explain(context: Context, what: string, options: ExplainOptions): Promise<ExitCode> {
  return withClient(context, options, async (client) => {
    const found = FUNCTION.test(what) ? await lastColdStart(client, what) : await invocation(client, what);
    if (options.json) context.out.json(found);
    else show(context, found);
    return EXIT.ok;
  });
}

async function lastColdStart(client: HearthClient, name: string): Promise<Explanation> {
  const [found] = await client.explainLast(name, { coldOnly: true, limit: 1 });
  if (found !== undefined) return found;
  if (!(await client.functions()).some((f) => f.name === name))
    throw new CliError(`there is no function ${name}`, { exitCode: EXIT.notFound, fix: '`hearth ps` lists the functions' });
  const fix = `hearth usage ${name} --records 10 lists its invocations; hearth explain takes the id of any`;
  throw new CliError(`no cold start of ${name} is known`, { exitCode: EXIT.notFound, fix });
}

async function invocation(client: HearthClient, requestId: string): Promise<Explanation> {
  try {
    return await client.explain(requestId);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    throw new CliError(error.message, {
      exitCode: EXIT.notFound,
      fix: 'hearth usage --records 20 lists the last invocations',
      cause: error,
    });
  }
}

function show({ out, clock }: Context, e: Explanation): void {
  out.line(
    `${out.paint('bold', e.functionName)} ${e.version}  ${ending(e)}  ${moment(e.startedAtMs - e.queuedMs, clock.now())}  ${out.paint('dim', e.requestId)}`,
  );
  const warm = e.queuedMs < SHORT_MS ? 'an instance was there' : `an instance was free after ${duration(e.queuedMs)}`;
  out.line(e.reason === null ? `warm: ${warm}` : `cold, from ${e.coldRung}: ${e.reason.text}`);
  out.line();
  drawing(out, e).forEach((line) => out.line(line));
  if (e.slowestModules.length > 0) {
    out.line();
    out.line('slowest modules of the init phase, each with what it loads itself');
    for (const { name, ms } of e.slowestModules) out.line(`${ms.toFixed(1).padStart(10)} ms  ${name}`);
  }
  out.line();
  out.line('to make it faster');
  for (const { text, savesMs } of e.advice)
    out.line(`  - ${text}${savesMs === null ? '' : out.paint('dim', `  (up to ${duration(savesMs)})`)}`);
}

function ending(e: Explanation): string {
  const attempt = e.attempts > 1 ? `, attempt ${e.attempt} of ${e.attempts}` : '';
  return `${e.outcome} in ${duration(e.totalMs)}${attempt}`;
}

function drawing(out: Output, e: Explanation): string[] {
  const width = (rows: readonly Row[], of: (row: Row) => string): number => Math.max(...rows.map((row) => of(row).length));
  const labels = drawWaterfall(e.waterfall, e.totalMs, LEAST_COLUMNS);
  const [whose, step, ms] = [width(labels, (r) => r.whose), width(labels, (r) => r.step), width(labels, (r) => r.ms)];
  const left = 2 + whose + 2 + step + 2 + ms + 4 + 1;
  const columns = Math.min(MOST_COLUMNS, Math.max(LEAST_COLUMNS, (out.stdout.columns ?? 100) - left));
  return drawWaterfall(e.waterfall, e.totalMs, columns).map(
    (r) =>
      `  ${out.paint('bold', r.whose.padEnd(whose))}  ${r.step.padEnd(step)}  ${r.ms.padStart(ms)} ms  ${out.paint(colour(r.of), r.bar)}`,
  );
}

function colour(of: Step['of']): (typeof COLOURS)[Step['of']] {
  return COLOURS[of];
}
