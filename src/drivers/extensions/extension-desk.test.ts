import assert from 'node:assert/strict';
import { it } from 'node:test';
import { randomIds } from '../../lib/ids.ts';
import { ExtensionDesk, isRefusal } from './extension-desk.ts';

it('keeps the last thousand events for an extension that does not ask, and its end', () => {
  const listener = { failed: () => {}, idle: () => {} };
  const desk = new ExtensionDesk(['slow'], { ids: randomIds, listener });
  const slow = desk.register('slow', ['INVOKE', 'SHUTDOWN']);
  assert.ok(!isRefusal(slow));
  for (let n = 1; n <= 1_500; n++) desk.announce({ type: 'INVOKE', document: { n } });
  desk.announce({ type: 'SHUTDOWN', document: { n: 'end' } });
  const seen: unknown[] = [];
  while (slow.queue.length > 0) desk.next(slow, ({ document }) => seen.push(document['n']) > 0);
  assert.deepEqual([seen.length, seen[0], seen.at(-1)], [1_000, 502, 'end']);
});

it('registers as Lambda does, and refuses in its words', () => {
  const listener = { failed: () => {}, idle: () => {} };
  const desk = new ExtensionDesk(['beside', 'late'], { ids: randomIds, listener });
  const refused = (name: string, events: unknown[]): readonly unknown[] => {
    const outcome = desk.register(name, events);
    return isRefusal(outcome) ? [outcome.status, outcome.errorType, outcome.errorMessage] : [];
  };
  assert.deepEqual(refused('', []), [403, 'Extension.InvalidExtensionName', 'Empty extension name']);
  assert.deepEqual(refused('beside', ['BOOT']), [403, 'Extension.InvalidEventType', 'BOOT: ErrorInvalidEventType']);
  const shutdown = 'SHUTDOWN: ShutdownEventNotSupportedForInternalExtension';
  assert.deepEqual(refused('within', ['SHUTDOWN']), [403, 'Extension.InvalidEventType', shutdown]);
  assert.deepEqual(refused('beside', ['SHUTDOWN']), []);
  const twice = 'State transition from Registered to Registered failed for extension beside. Error: State transition is not allowed';
  assert.deepEqual(refused('beside', []), [403, 'Extension.InvalidExtensionState', twice]);
  for (let n = 1; n <= 8; n++) assert.deepEqual(refused(`within-${n}`, ['INVOKE']), []);
  assert.deepEqual(refused('within-9', ['INVOKE']), [403, 'Extension.TooManyExtensions', 'Extension limit (10) reached']);
  assert.deepEqual(refused('late', []), [], 'has its place');
  desk.open = false;
  assert.deepEqual(refused('late', []), [403, 'Extension.RegistrationClosed', 'Extension registration closed already']);
});

it('has one internal extension of a name', () => {
  const listener = { failed: () => {}, idle: () => {} };
  const desk = new ExtensionDesk([], { ids: randomIds, listener });
  assert.ok(!isRefusal(desk.register('within', [])));
  const again = desk.register('within', []);
  assert.ok(isRefusal(again));
  assert.deepEqual(
    [again.errorType, again.errorMessage],
    ['Extension.InvalidExtensionState', 'Extension with this name already registered'],
  );
});
