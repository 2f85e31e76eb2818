import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { QUEUE_DEFAULTS, withAttributes } from './attributes.ts';

const given = (attributes: Record<string, string>) => withAttributes(QUEUE_DEFAULTS, attributes);

describe('attributes of a queue', () => {
  it('a RedrivePolicy is a map with an ARN and a count, or nothing', () => {
    const deadLetterTargetArn = 'arn:aws:sqs:us-east-1:000000000000:dead';
    for (const count of [3, '3']) {
      const { redrive } = given({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: count }) });
      assert.deepEqual(redrive, { deadLetterTargetArn, maxReceiveCount: 3 });
    }
    for (const text of ['', '{}']) assert.equal(given({ RedrivePolicy: text }).redrive, null);
    for (const text of [
      'null',
      '1',
      '"x"',
      '[]',
      '{',
      'true',
      '{"maxReceiveCount":3}',
      `{"deadLetterTargetArn":"${deadLetterTargetArn}"}`,
    ]) {
      assert.throws(() => given({ RedrivePolicy: text }), { code: 'InvalidAttributeValue' }, text);
    }
  });

  it('what every object has is no attribute', () => {
    for (const name of ['toString', 'constructor', 'hasOwnProperty']) {
      assert.throws(() => given({ [name]: '1' }), { code: 'InvalidAttributeName' }, name);
    }
  });
});
