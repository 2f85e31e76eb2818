import type { EventPattern } from '../../lib/event-pattern.ts';
import type { TriggerConfiguration } from '../../model/triggers.ts';

type RowValue = string | number | boolean | null;

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** A trigger's configuration with every default filled in. */
export interface ChangeSettings {
  readonly tables: readonly TableName[];
  readonly events: ReadonlySet<'insert' | 'update' | 'delete' | 'truncate'>;
  readonly columns: ReadonlySet<string> | null;
  readonly where: readonly (readonly [column: string, values: readonly RowValue[]])[];
  /** EventBridge patterns of records, of which one must fit; empty: all do. */
  readonly patterns: readonly EventPattern[];
  readonly batchSize: number;
  readonly windowMs: number;
  readonly parallel: number;
  readonly backfill: boolean;
}

export function settingsOf(c: TriggerConfiguration<'database'>): ChangeSettings {
  return {
    tables: tablesOf(c),
    events: new Set(c.events ?? ['insert', 'update', 'delete']),
    columns: c.columns === undefined ? null : new Set(c.columns),
    where: Object.entries(c.where ?? {}).map(([column, value]) => [column, Array.isArray(value) ? value : [value]]),
    patterns: c.filters ?? [],
    batchSize: c.batchSize ?? 100,
    windowMs: (c.batchingWindowSeconds ?? 0) * 1000,
    parallel: c.parallel ?? 4,
    backfill: c.backfill ?? false,
  };
}

/** The tables of a trigger, each once, in an order of their own. */
export function tablesOf({ table, tables }: TriggerConfiguration<'database'>): TableName[] {
  const names = new Set((tables ?? [table ?? '']).map((name) => (name.includes('.') ? name : `public.${name}`)));
  return [...names]
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => {
      const dot = name.indexOf('.');
      return { schema: name.slice(0, dot), table: name.slice(dot + 1) };
    });
}
