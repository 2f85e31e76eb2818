import type { FunctionSummary, Resident } from '../../client/answers.ts';
import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { bytes, duration } from '../format.ts';

export interface PsOptions extends EndpointOptions {
  readonly json?: boolean;
}

/** `hearth ps`: the functions, and what of them is resident. */
export async function ps(context: Context, options: PsOptions): Promise<ExitCode> {
  return withClient(context, options, async (client) => {
    const [functions, resident] = await Promise.all([client.functions(), client.resident()]);
    if (options.json) context.out.json({ functions, ...resident });
    else await show(context, functions, resident);
    return EXIT.ok;
  });
}

async function show({ out, clock }: Context, functions: readonly FunctionSummary[], resident: Resident): Promise<void> {
  if (functions.length === 0) return out.note('no functions yet: `hearth deploy` deploys those of hearth.yaml');
  const age = (ms: number): string => duration(Math.max(0, clock.now() - ms));
  await out.table(
    ['FUNCTION', 'VERSION', 'REVISION', 'RUNTIME', 'MEMORY', 'INSTANCES', 'RESIDENT', 'UNTIL', 'WHY', 'CHANGED', 'URL'],
    functions.map((f) => [
      f.name,
      f.version,
      revision(f),
      f.runtime,
      `${f.memoryMb} MB`,
      String(f.instances),
      keeps(f),
      until(f, clock.now()),
      f.stay?.why ?? '-',
      `${age(f.modifiedAtMs)} ago`,
      f.url ?? '-',
    ]),
    ['WHY', 'CHANGED', 'RUNTIME', 'VERSION', 'MEMORY', 'REVISION'],
  );
  if (resident.snapshots.length > 0) {
    out.line();
    await out.table(
      ['SNAPSHOT OF', 'VERSION', 'REVISION', 'INIT', 'STARTS', 'REPLACED', 'MEMORY', 'PID', 'AGE'],
      resident.snapshots.map((s) => [
        s.function,
        s.version,
        revision(s),
        duration(s.initMs),
        String(s.starts),
        String(s.failedForks),
        memory(s.memoryBytes),
        String(s.pid),
        age(s.madeAtMs),
      ]),
    );
  }
  for (const { function: name, version, reason } of resident.plain) {
    if (version === '$LATEST' || functions.some((f) => f.name === name && f.version === version))
      out.note(`${name} is not forked: ${reason}`);
  }
  if (resident.instances.length > 0) {
    out.line();
    await out.table(
      ['INSTANCE', 'FUNCTION', 'VERSION', 'REVISION', 'STATE', 'FROM', 'INVOCATIONS', 'MEMORY', 'PID', 'AGE'],
      resident.instances.map((i) => [
        i.id.slice(0, 8),
        i.function,
        i.version,
        revision(i),
        i.state,
        i.rung,
        String(i.invocations),
        memory(i.memoryBytes),
        pid(i.pid),
        age(i.startedAtMs),
      ]),
    );
  }
}

/** What has just ended, or runs where nobody can look, has none that is known. */
function memory(known: number | null): string {
  return known === null ? '-' : bytes(known);
}

/** As `hearth deploy` shows it; a server before it was told says none. */
function revision({ revisionId }: { readonly revisionId?: string }): string {
  return revisionId?.slice(0, 8) ?? '-';
}

function pid(known: number | null): string {
  return known === null ? '-' : String(known);
}

/** What of a function is there. What is started plainly keeps nothing beside its instances. */
function keeps({ resident, instances }: FunctionSummary): FunctionSummary['resident'] {
  return resident === 'plain' && instances === 0 ? 'nothing' : resident;
}

/** How long what is resident stays, or when it is back. */
function until(f: FunctionSummary, nowMs: number): string {
  const { stay } = f;
  if (stay === undefined || stay === null) return '-';
  const inWords = (ms: number): string => duration(Math.max(0, ms - nowMs));
  if (stay.phase === 'busy') return 'in use';
  if (stay.backAtMs !== null) return `back in ${inWords(stay.backAtMs)}`;
  if (stay.phase === 'over' || keeps(f) === 'nothing') return 'next call';
  return stay.snapshotUntilMs === null ? 'always' : `for ${inWords(stay.snapshotUntilMs)}`;
}
