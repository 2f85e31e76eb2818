import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LAMBDA } from './model/model.ts';
import { INVOCATIONS, OPERATIONS } from './operations.ts';
import { UNSERVED } from './unserved.ts';

const GUIDE = new URL('../../../../docs/guides/coming-from-lambda.md', import.meta.url);

test('the guide names every operation of the model once, and as absent exactly those that have no meaning here', () => {
  const rows = readFileSync(GUIDE, 'utf8').matchAll(/^\| (\w+) \| (works|differs|absent) \| (.*)\|$/gm);
  const told = new Map<string, string>();
  for (const [, name = '', how = '', why = ''] of rows) {
    assert.ok(!told.has(name), `${name} twice`);
    assert.equal(how === 'works', why.trim() === '', `${name}: a difference has its reason, and nothing else has`);
    told.set(name, how);
  }
  assert.deepEqual([...told.keys()].sort(), Object.keys(LAMBDA.operations).sort());
  for (const [name, how] of told) if (!INVOCATIONS.includes(name)) assert.equal(how === 'absent', name in UNSERVED, name);
});

test('every operation of the model is served, by the control plane or the gateway, and nothing else is', () => {
  assert.deepEqual([...Object.keys(OPERATIONS), ...INVOCATIONS].sort(), Object.keys(LAMBDA.operations).sort());
});
