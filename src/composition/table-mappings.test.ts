import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { silent } from '../../test/silent-log.ts';
import type { EventSourceMapping } from '../control/resources.ts';
import { Closing } from '../lib/closing.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { aVersion } from '../model/testing/a-version.ts';
import type { TriggerRecord } from '../model/trigger-record.ts';
import { followTables } from './table-mappings.ts';

type Parts = Parameters<typeof followTables>[1];

test('what waits for a mapping is hurried when it is enabled, and once more for what was being put off at that moment', async () => {
  const version = aVersion();
  const { accountId, region } = version;
  const mapping: EventSourceMapping = {
    uuid: 'm-1',
    functionName: version.name,
    qualifier: null,
    sourceArn: `arn:aws:hearth:${region}:${accountId}:table/orders`,
    enabled: false,
    modifiedAtMs: 0,
    tags: {},
    settings: {},
  };
  let document = mapping;
  let changed = (_kind: string): void => {};
  const records = new Map<string, TriggerRecord>();
  const hurried: string[] = [];
  const parts = {
    triggers: {
      get: (id: string) => records.get(id) ?? null,
      map: async (wanted: readonly TriggerRecord[]) => wanted.forEach((w) => records.set(w.id, w)),
    },
    registry: { scope: { accountId, region }, get: () => version, onChange: () => () => {} },
    resources: { list: () => [{ document }], onChange: (listener: typeof changed) => ((changed = listener), () => {}) },
    batches: { hurry: async (prefix: string) => void hurried.push(prefix) },
  } as unknown as Parts;
  const clock = new VirtualClock();
  const closing = new Closing({ clock, log: silent, patienceMs: 10_000 });
  followTables({ clock, log: silent, closing }, parts);
  await turn();
  assert.deepEqual(hurried, []);
  document = { ...mapping, enabled: true };
  changed('event-source-mapping');
  await turn();
  assert.equal(hurried.length, 1);
  await clock.advance(10_000);
  assert.equal(hurried.length, 2);
  assert.equal(new Set(hurried).size, 1);
  await closing.close();
});
