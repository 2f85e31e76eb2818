import { isDeepStrictEqual } from 'node:util';
import type { TriggerRecord } from '../model/trigger-record.ts';
import type { TriggerConfiguration, TriggerKind } from '../model/triggers.ts';

/** A trigger that a manifest asks for. */
export interface WantedTrigger {
  readonly kind: TriggerKind;
  readonly configuration: TriggerConfiguration;
  readonly identity: string;
}

/** What has to happen so that a function has the triggers that are wanted. Identities are unique among the wanted. */
export interface TriggerDifference {
  readonly added: readonly WantedTrigger[];
  readonly changed: readonly { readonly record: TriggerRecord; readonly configuration: TriggerConfiguration }[];
  readonly gone: readonly TriggerRecord[];
}

export function difference(
  present: readonly TriggerRecord[],
  wanted: readonly WantedTrigger[],
  identity: (record: TriggerRecord) => string,
): TriggerDifference {
  const byIdentity = new Map(present.map((record) => [identity(record), record]));
  const kept = new Set(wanted.map((w) => w.identity));
  return {
    added: wanted.filter((w) => !byIdentity.has(w.identity)),
    changed: wanted.flatMap((w) => {
      const record = byIdentity.get(w.identity);
      const same = record === undefined || isDeepStrictEqual(record.configuration, w.configuration);
      return same ? [] : [{ record, configuration: w.configuration }];
    }),
    // And of two that are alike, one.
    gone: present.filter((record) => !kept.has(identity(record)) || byIdentity.get(identity(record)) !== record),
  };
}
