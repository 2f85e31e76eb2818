import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelIn } from './model.ts';
import { readRequest } from './request.ts';

test('a time is one that there is', () => {
  const model = modelIn('events/events.json');
  const operation = model.operations['PutEvents'];
  assert.ok(operation !== undefined);
  const read = (Time: unknown) =>
    readRequest(
      operation,
      { params: {}, query: new URLSearchParams(), headers: {}, body: Buffer.from(JSON.stringify({ Entries: [{ Time }] })) },
      model,
    );
  assert.deepEqual(read(1_700_000_000.5), { Entries: [{ Time: 1_700_000_000_500 }] });
  for (const time of [1e20, -1e20, 'never', '']) assert.throws(() => read(time), /must be a time/, String(time));
});
