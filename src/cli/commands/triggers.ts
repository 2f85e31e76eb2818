import type { TriggerSummary } from '../../client/answers.ts';
import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { bytes, duration } from '../format.ts';

export interface TriggersOptions extends EndpointOptions {
  readonly json?: boolean;
}

/** `hearth triggers`: what invokes functions, how it is, and how far behind. */
export async function triggers(context: Context, name: string | undefined, options: TriggersOptions): Promise<ExitCode> {
  return withClient(context, options, async (client) => {
    const listed = await client.triggers(name);
    if (options.json) context.out.json({ triggers: listed });
    else await show(context, listed, name);
    return EXIT.ok;
  });
}

async function show({ out, clock }: Context, listed: readonly TriggerSummary[], name: string | undefined): Promise<void> {
  if (listed.length === 0)
    return out.note(`no triggers${name === undefined ? '' : ` of ${name}`}: hearth.yaml has them under \`triggers:\``);
  const now = clock.now();
  await out.table(
    ['FUNCTION', 'KIND', 'OF', 'STATE', 'EVENTS', 'LAST', 'NEXT', 'LAG'],
    listed.map((t) => [
      t.function,
      t.kind,
      t.subject,
      t.state,
      String(t.events),
      t.lastFiredMs === null ? '-' : `${duration(Math.max(0, now - t.lastFiredMs))} ago`,
      t.nextMs === null ? '-' : `in ${duration(Math.max(0, t.nextMs - now))}`,
      t.lagBytes === null ? '-' : bytes(t.lagBytes),
    ]),
  );
  for (const t of listed) if (t.detail !== null) out.note(`${t.function}, ${t.kind} ${t.subject}: ${t.detail}`);
}
