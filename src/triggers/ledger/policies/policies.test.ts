import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mostAgeMs, nextStep, type AttemptObservation, type RetryLimits } from './next-step.ts';
import { outcomeRecord } from './outcome-record.ts';
import { share } from './share.ts';
import { nextWindow } from './window.ts';

const LAMBDA = { retries: 2, maxAgeMs: 21_600_000 };
const observe = (change: Partial<AttemptObservation>, limits: RetryLimits = LAMBDA) =>
  nextStep({ outcome: 'function_error', ageMs: 0, functionErrors: 0, systemErrors: 0, ...change }, limits);

describe('nextStep', () => {
  it('retries a function error after one and two minutes, then gives up', () => {
    assert.deepEqual(observe({}), { kind: 'again', delayMs: 60_000, functionErrors: 1, systemErrors: 0 });
    assert.deepEqual(observe({ functionErrors: 1 }), { kind: 'again', delayMs: 120_000, functionErrors: 2, systemErrors: 0 });
    assert.deepEqual(observe({ functionErrors: 2 }), { kind: 'failed', reason: 'RetriesExhausted' });
  });

  it('keeps to the retries that are allowed', () => {
    assert.deepEqual(observe({}, { ...LAMBDA, retries: 0 }), { kind: 'failed', reason: 'RetriesExhausted' });
    assert.equal(observe({ functionErrors: 1 }, { ...LAMBDA, retries: 1 }).kind, 'failed');
  });

  it('gives up as soon as the next retry would be too late', () => {
    assert.deepEqual(observe({ ageMs: 1 }, { ...LAMBDA, maxAgeMs: 60_000 }), { kind: 'failed', reason: 'EventAgeExceeded' });
    assert.equal(observe({}, { ...LAMBDA, maxAgeMs: 60_000 }).kind, 'again');
  });

  it('backs off from one second to five minutes for what did not reach the function, up to six hours', () => {
    const delays: number[] = [];
    let ageMs = 0;
    let systemErrors = 0;
    for (;;) {
      const next = observe({ outcome: 'throttled', ageMs, systemErrors });
      if (next.kind !== 'again') {
        assert.deepEqual(next, { kind: 'failed', reason: 'EventAgeExceeded' });
        break;
      }
      delays.push(next.delayMs / 1_000);
      ({ systemErrors } = next);
      ageMs += next.delayMs;
      assert.equal(next.functionErrors, 0);
    }
    assert.deepEqual(delays.slice(0, 11), [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert.ok(ageMs > 21_600_000 - 300_000 && ageMs <= 21_600_000);
  });

  it('tries what did not reach the function to the end of its age, however short that is', () => {
    const limits = { ...LAMBDA, maxAgeMs: 60_000 };
    let ageMs = 0;
    for (let systemErrors = 0; ;) {
      const next = observe({ outcome: 'throttled', ageMs, systemErrors }, limits);
      if (next.kind !== 'again') break;
      assert.ok(next.delayMs >= 1_000);
      ageMs += next.delayMs;
      ({ systemErrors } = next);
    }
    assert.ok(ageMs > 58_000 && ageMs <= 60_000, String(ageMs));
  });

  it('is done when it went well, and when it was too old to be tried', () => {
    assert.deepEqual(observe({ outcome: 'ok' }), { kind: 'succeeded' });
    assert.deepEqual(observe({ outcome: 'not_tried' }), { kind: 'failed', reason: 'EventAgeExceeded' });
  });
});

describe('what a target of a rule says of what does not reach it', () => {
  const undelivered = { retries: 2, maxAgeMs: 3_600_000 };
  const limits = { ...LAMBDA, undelivered };

  it('bounds attempts that reached nobody by number and by age', () => {
    const error = { outcome: 'system_error' as const };
    assert.deepEqual(observe(error, limits), { kind: 'again', delayMs: 1_000, functionErrors: 0, systemErrors: 1 });
    assert.deepEqual(observe({ ...error, systemErrors: 2 }, limits), { kind: 'failed', reason: 'RetriesExhausted' });
    assert.deepEqual(observe({ ...error, ageMs: 3_600_000 }, limits), { kind: 'failed', reason: 'EventAgeExceeded' });
    assert.equal(
      observe({ ...error, ageMs: 30_000_000 }, { ...LAMBDA, undelivered: { retries: 185, maxAgeMs: 86_400_000 } }).kind,
      'again',
    );
  });

  it('leaves to the function what it was reached by: its errors, and its limits', () => {
    assert.equal(observe({ outcome: 'throttled', systemErrors: 9, ageMs: 3_600_000 }, limits).kind, 'again');
    assert.equal(observe({ ageMs: 3_600_000 }, limits).kind, 'again');
    assert.equal(observe({ outcome: 'system_error', functionErrors: 1, systemErrors: 9 }, limits).kind, 'again');
  });

  it('is how old what was never tried may be', () => {
    assert.equal(mostAgeMs({ functionErrors: 0, systemErrors: 0 }, limits), 3_600_000);
    assert.equal(mostAgeMs({ functionErrors: 1, systemErrors: 0 }, limits), LAMBDA.maxAgeMs);
    assert.equal(mostAgeMs({ functionErrors: 0, systemErrors: 0 }, LAMBDA), LAMBDA.maxAgeMs);
  });
});

describe('nextWindow', () => {
  it('halves when refused, grows by one a window when it was used up, and stays within its bounds', () => {
    assert.equal(nextWindow({ window: 8, most: 32, throttled: true, full: true }), 4);
    assert.equal(nextWindow({ window: 1, most: 32, throttled: true, full: true }), 1);
    assert.equal(nextWindow({ window: 8, most: 32, throttled: false, full: false }), 8);
    let window = 4;
    for (let i = 0; i < 5; i++) window = nextWindow({ window, most: 32, throttled: false, full: true });
    assert.ok(window > 5 && window < 5.5, String(window));
    assert.equal(nextWindow({ window: 31.99, most: 32, throttled: false, full: true }), 32);
    assert.equal(nextWindow({ window: 8, most: 2, throttled: false, full: false }), 2);
  });
});

describe('share', () => {
  const lane = (name: string, inFlight = 0, window = 8) => ({ lane: name, inFlight, window });
  it('gives no lane more than its window, nor more than half of what is left', () => {
    assert.deepEqual(share([lane('a'), lane('b')], 100).wants, [
      { lane: 'a', most: 8 },
      { lane: 'b', most: 8 },
    ]);
    assert.deepEqual(share([lane('a', 0, 100), lane('b', 0, 100), lane('c')], 10).wants, [
      { lane: 'a', most: 5 },
      { lane: 'b', most: 3 },
      { lane: 'c', most: 1 },
    ]);
    assert.deepEqual(share([lane('a', 8), lane('b', 7)], 10), { wants: [{ lane: 'b', most: 1 }], waiting: false });
    assert.deepEqual(share([lane('a')], 0), { wants: [], waiting: false });
  });

  it('lets those wait that are nearly full while it is patient, and nobody of whom nothing runs', () => {
    assert.deepEqual(share([lane('a', 5), lane('b', 4), lane('c', 8)], 10, true), { wants: [{ lane: 'b', most: 4 }], waiting: true });
    assert.deepEqual(share([lane('full', 8)], 10, true), { wants: [], waiting: false });
    assert.deepEqual(share([lane('one', 0, 1), lane('two', 1, 2)], 10, true).wants, [
      { lane: 'one', most: 1 },
      { lane: 'two', most: 1 },
    ]);
  });
});

describe('outcomeRecord', () => {
  const facts = {
    nowMs: Date.UTC(2026, 10, 25),
    requestId: 'r',
    functionArn: 'arn:f:$LATEST',
    condition: 'RetriesExhausted',
    invokeCount: 3,
    requestPayload: Buffer.from('{"ü":1}'),
  };

  it("is Lambda's, payloads as they were", () => {
    const response = { body: Buffer.from('{"errorMessage":"no"}'), executedVersion: '$LATEST', functionError: 'Unhandled' };
    assert.deepEqual(JSON.parse(outcomeRecord({ ...facts, response }).toString()), {
      version: '1.0',
      timestamp: '2026-11-25T00:00:00.000Z',
      requestContext: { requestId: 'r', functionArn: 'arn:f:$LATEST', condition: 'RetriesExhausted', approximateInvokeCount: 3 },
      requestPayload: { ü: 1 },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: { errorMessage: 'no' },
    });
  });

  it('has no response when the function was never reached, and takes what is no JSON as text', () => {
    const record = JSON.parse(outcomeRecord({ ...facts, requestPayload: Buffer.from('a "b"'), response: null }).toString()) as object;
    assert.deepEqual(Object.keys(record), ['version', 'timestamp', 'requestContext', 'requestPayload']);
    assert.equal((record as { requestPayload: string }).requestPayload, 'a "b"');
  });
});
