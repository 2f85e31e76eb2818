import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FunctionVersion } from '../model/function-version.ts';
import { aVersion } from '../model/testing/a-version.ts';
import { fromDocument, toDocument } from './function-document.ts';

test('how long the server that deployed it kept idle instances is nothing of a function that follows its server', () => {
  const keptMs = (keepAlive: FunctionVersion['scaling']['keepAlive']) => {
    const version = aVersion({ scaling: { min: 0, max: null, concurrency: 1, keepAliveMs: 7_000, keepAlive } });
    return fromDocument(version, JSON.parse(toDocument(version))).scaling.keepAliveMs;
  };
  assert.deepEqual([keptMs('server'), keptMs('histogram'), keptMs('fixed'), keptMs(undefined)], [null, null, 7_000, 7_000]);
});
