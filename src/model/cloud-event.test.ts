import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { HearthError } from '../errors.ts';
import { parseCloudEvent } from './cloud-event.ts';

interface Cases {
  readonly tests: readonly { readonly id: string; readonly event: Record<string, unknown> }[];
}

/** The conformance cases of the CloudEvents project. */
function cases(file: string): Cases['tests'] {
  const path = new URL(`../../../test/fixtures/cloudevents/${file}`, import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as Cases).tests;
}

/** Which attribute an invalid case is wrong in: the last that its event has, or the one that it misses. */
function wrongIn(id: string, event: Record<string, unknown>): string {
  const missing = /^invalidNo(SpecVersion|Id|Type|Source)$/.exec(id)?.[1];
  if (missing !== undefined) return missing.toLowerCase();
  const named = /^invalid(?:Empty|Unknown|Numeric|Object|NonRfc2046)(Id|Type|Source|SpecVersion|DataContentType|DataSchema|Subject)/.exec(
    id,
  )?.[1];
  return named === undefined ? (Object.keys(event).at(-1) ?? '') : named.toLowerCase();
}

function refusal(event: unknown): HearthError {
  try {
    parseCloudEvent(event);
  } catch (error) {
    assert.ok(error instanceof HearthError);
    return error;
  }
  throw new Error('it was taken');
}

describe('CloudEvents', () => {
  for (const { id, event } of cases('valid-events.json')) it(`takes ${id}`, () => assert.equal(parseCloudEvent(event), event));

  for (const { id, event } of cases('invalid-events.json')) {
    it(`refuses ${id} and names the attribute`, () => {
      const error = refusal(event);
      assert.deepEqual([error.status, error.details['attribute']], [400, wrongIn(id, event)]);
      assert.ok(error.message.startsWith(`${wrongIn(id, event)}: `), error.message);
    });
  }

  it('refuses what no case has: dates that are none, integers beyond 32 bits, control characters', () => {
    const event = { specversion: '1.0', id: 'i', source: 's', type: 't' };
    for (const [name, value] of Object.entries({
      time: '2026-02-30T06:00:00Z',
      big: 2 ** 31,
      nul: 'a\u0000b',
      half: '\ud800',
      list: [],
      data_base64: 'no base64',
    })) {
      assert.equal(refusal({ ...event, [name]: value }).details['attribute'], name);
    }
    for (const none of [null, [], 'text', 1]) assert.equal(refusal(none).status, 400);
  });
});
