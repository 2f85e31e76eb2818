import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aVersion } from '../model/testing/a-version.ts';
import { fingerprint } from './publishing.ts';

test('a function is the same in whatever order the database gives back its members', () => {
  const version = aVersion({ environment: { A: '1', B: '2' } });
  const { A = '', B = '' } = version.environment;
  const read = Object.fromEntries(Object.entries({ ...version, environment: { B, A } }).reverse()) as unknown as typeof version;
  assert.equal(fingerprint(read), fingerprint(version));
  assert.notEqual(fingerprint({ ...version, environment: { A, B: '3' } }), fingerprint(version));
});
