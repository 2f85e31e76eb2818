import { isDeepStrictEqual } from 'node:util';
import type { MappingState } from '../control/lambda/operation.ts';
import type { FunctionRegistry } from '../control/registry.ts';
import type { EventSourceMapping, Resources } from '../control/resources.ts';
import type { Timer } from '../lib/clock.ts';
import { batchOrderPrefix } from '../model/batch-contract.ts';
import { parseTableArn } from '../model/table-arn.ts';
import type { TriggerRecord } from '../model/trigger-record.ts';
import { parseTrigger } from '../model/triggers.ts';
import type { Log } from '../store/log.ts';
import type { BatchStore } from '../triggers/batches/batch-store.ts';
import type { Triggers } from '../triggers/triggers.ts';
import type { Base } from './base.ts';

interface Parts {
  readonly triggers: Triggers;
  readonly registry: FunctionRegistry;
  readonly resources: Resources;
  readonly batches: Pick<BatchStore, 'hurry'>;
}

/** After the database was away. */
const AGAIN_MS = 2_000;
/** What was just being looked at with the settings of before is put off when it is done: it is hurried once more. */
const HURRY_AGAIN_MS = 1_000;

/**
 * Serves the event source mappings of tables: each is a trigger on changes, kept with the others. They are made alike at the start and after every change of
 * a mapping. A mapping goes with its function, since a slot that nobody reads would keep the log.
 */
export function followTables(
  { clock, log, closing }: Pick<Base, 'clock' | 'closing'> & { readonly log: Log },
  parts: Parts,
): { mapping(uuid: string): MappingState | null } {
  const { triggers, registry, resources, batches } = parts;
  let [timer, closed]: [Timer | null, boolean] = [null, false];
  let running: Promise<void> = Promise.resolve();
  const make = async (): Promise<void> => {
    const wanted = records(parts);
    const before = new Map(wanted.map((w) => [w.id, triggers.get(w.id)]));
    await triggers.map(wanted);
    // What waits for a mapping that was stopped, or for its next attempt, is looked at again with its new settings.
    for (const record of wanted) {
      const known = before.get(record.id);
      if (known === null || known === undefined || isDeepStrictEqual(known.configuration, record.configuration)) continue;
      await batches.hurry(batchOrderPrefix(record), record.functionId);
      hurryAgain(record);
    }
  };
  const hurryAgain = (record: TriggerRecord): void => {
    clock.after(HURRY_AGAIN_MS, () => {
      if (closed) return;
      batches
        .hurry(batchOrderPrefix(record), record.functionId)
        .catch((err: unknown) => log.warn({ err }, 'what waits for a mapping could not be hurried'));
    });
  };
  const sync = (): void => {
    running = running.then(make).catch((err: unknown) => {
      log.warn({ err }, 'the event source mappings of tables could not be served yet; tried again');
      if (!closed) timer ??= clock.after(AGAIN_MS, () => ((timer = null), sync()));
    });
  };
  const stop = [
    resources.onChange((kind) => kind === 'event-source-mapping' && sync()),
    registry.onChange((change) => {
      if (change.kind !== 'removed') return;
      for (const { key, document } of tableMappings(resources))
        if (document.functionName === change.previous.name)
          void resources
            .remove('event-source-mapping', key)
            .catch((err: unknown) => log.warn({ err }, 'a mapping could not be removed with its function'));
    }),
  ];
  closing.add('mappings of tables', async () => {
    closed = true;
    timer?.cancel();
    for (const end of stop) end();
    await running;
  });
  sync();
  return {
    mapping(uuid) {
      const arn = resources.get('event-source-mapping', uuid)?.sourceArn;
      return arn === undefined || parseTableArn(arn) === null ? null : stateOf(triggers, uuid);
    },
  };
}

function tableMappings(resources: Resources) {
  return resources.list('event-source-mapping').filter(({ document }) => parseTableArn(document.sourceArn) !== null);
}

/** The triggers that the mappings ask for; a mapping whose function is not there has none. */
function records({ registry, resources }: Parts): TriggerRecord[] {
  return tableMappings(resources).flatMap(({ document }) => {
    const version = registry.get(document.functionName);
    if (version === null) return [];
    const { kind, configuration } = parseTrigger<'database'>('database', configurationOf(document));
    return [
      {
        id: document.uuid,
        ...registry.scope,
        functionId: version.functionId,
        functionName: version.name,
        kind,
        configuration,
        mapping: { qualifier: document.qualifier },
        changedAtMs: document.modifiedAtMs,
        retired: false,
      },
    ];
  });
}

function configurationOf({ sourceArn, enabled, settings }: EventSourceMapping): Record<string, unknown> {
  const table = parseTableArn(sourceArn);
  const s = settings as {
    readonly BatchSize?: number;
    readonly MaximumBatchingWindowInSeconds?: number;
    readonly ParallelizationFactor?: number;
    readonly StartingPosition?: string;
    readonly BisectBatchOnFunctionError?: boolean;
    readonly MaximumRecordAgeInSeconds?: number;
    readonly MaximumRetryAttempts?: number;
    readonly DestinationConfig?: { readonly OnFailure?: { readonly Destination?: string } };
    readonly FunctionResponseTypes?: readonly string[];
    readonly FilterCriteria?: { readonly Filters?: readonly { readonly Pattern?: string }[] };
  };
  const destination = s.DestinationConfig?.OnFailure?.Destination ?? '';
  const patterns = (s.FilterCriteria?.Filters ?? []).flatMap((f) => (f.Pattern === undefined ? [] : [JSON.parse(f.Pattern) as object]));
  return {
    table: table?.table,
    ...(table?.connection === null ? {} : { connection: table?.connection }),
    enabled,
    batchSize: s.BatchSize ?? 100,
    batchingWindowSeconds: s.MaximumBatchingWindowInSeconds ?? 0,
    parallel: s.ParallelizationFactor ?? 1,
    backfill: s.StartingPosition === 'TRIM_HORIZON',
    bisect: s.BisectBatchOnFunctionError ?? false,
    maxRecordAgeSeconds: s.MaximumRecordAgeInSeconds ?? -1,
    retries: s.MaximumRetryAttempts ?? -1,
    reportBatchItemFailures: s.FunctionResponseTypes?.includes('ReportBatchItemFailures') === true,
    ...(destination === '' ? {} : { onFailure: destination }),
    ...(patterns.length === 0 ? {} : { filters: patterns }),
  };
}

function stateOf(triggers: Triggers, uuid: string): MappingState | null {
  const status = triggers.status(uuid);
  if (status === null) return { turning: true, lastResult: 'No records processed' }; // asked for, and not served yet
  const good = status.events === 0 ? 'No records processed' : 'OK';
  const trouble = status.state === 'waiting' || status.state === 'failed';
  return { turning: status.state === 'starting', lastResult: trouble && status.detail !== null ? `PROBLEM: ${status.detail}` : good };
}
