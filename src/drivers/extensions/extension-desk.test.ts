import assert from 'node:assert/strict';
import { it } from 'node:test';
import { randomIds } from '../../lib/ids.ts';
import { ExtensionDesk, isRefusal } from './extension-desk.ts';

it('keeps the last thousand events for an extension that does not ask, and its end', () => {
  const listener = { registered: () => {}, failed: () => {}, idle: () => {} };
  const desk = new ExtensionDesk(['slow'], { ids: randomIds, listener });
  const slow = desk.register('slow', ['INVOKE', 'SHUTDOWN']);
  assert.ok(!isRefusal(slow));
  for (let n = 1; n <= 1_500; n++) desk.announce({ type: 'INVOKE', document: { n } });
  desk.announce({ type: 'SHUTDOWN', document: { n: 'end' } });
  const seen: unknown[] = [];
  while (slow.queue.length > 0) desk.next(slow, ({ document }) => seen.push(document['n']) > 0);
  assert.deepEqual([seen.length, seen[0], seen.at(-1)], [1_000, 502, 'end']);
});
