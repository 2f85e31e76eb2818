import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verifyPostPolicy } from './post-policy.ts';
import { hmac, signingKey } from './sigv4.ts';
import { CREDENTIAL, KEY, keys, NOW, refusal } from './testing/aws-example.ts';

describe('the policy of a form', () => {
  const form = (conditions: unknown[], fields: Record<string, string> = {}, expiration = '2013-05-25T00:00:00Z'): Map<string, string> => {
    const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64');
    const signature = hmac(signingKey(KEY.secret, { date: '20130524', region: 'us-east-1', service: 's3' }), policy).toString('hex');
    const common = { 'x-amz-algorithm': 'AWS4-HMAC-SHA256', 'x-amz-credential': CREDENTIAL, 'x-amz-date': '20130524T000000Z' };
    return new Map(Object.entries({ ...common, policy, 'x-amz-signature': signature, key: 'in/a.jpg', ...fields }));
  };
  const SIGNING = [
    ['starts-with', '$x-amz-algorithm', ''],
    ['starts-with', '$x-amz-credential', ''],
    ['starts-with', '$x-amz-date', ''],
  ];
  const check = (fields: Map<string, string>) => verifyPostPolicy(fields, 'uploads', { keys, nowMs: NOW });

  it('holds what it says', async () => {
    const all = [...SIGNING, { bucket: 'uploads' }, ['starts-with', '$key', 'in/'], ['content-length-range', 1, 10]];
    assert.deepEqual(await check(form(all)), { accessKeyId: KEY.id, minBytes: 1, maxBytes: 10 });
    await refusal(check(form(all, { key: 'out/a.jpg' })), 'AccessDenied');
    await refusal(check(form(all, { acl: 'public-read' })), 'AccessDenied');
    await refusal(check(form([...all, { bucket: 'other' }])), 'AccessDenied');
    await refusal(check(form(all, {}, '2013-05-23T00:00:00Z')), 'AccessDenied');
    await refusal(check(form(all, { 'x-amz-signature': '0'.repeat(64) })), 'SignatureDoesNotMatch');
    await refusal(check(form(all, { 'x-amz-credential': CREDENTIAL.replace(KEY.id, 'NOBODY') })), 'InvalidAccessKeyId');
    await refusal(check(form([['rubbish', 1, 2]])), 'InvalidPolicyDocument');
    assert.equal(await check(new Map([['key', 'a']])), null);
  });

  it('names the bucket that it is for, whether the form does or not', async () => {
    const rest = [...SIGNING, ['starts-with', '$key', 'in/']];
    for (const fields of [{}, { bucket: 'uploads' }]) {
      await assert.rejects(check(form(rest, fields)), { name: 'AccessDenied', message: /Extra input fields: bucket/ });
      await check(form([...rest, { bucket: 'uploads' }], fields));
      await check(form([...rest, ['starts-with', '$bucket', 'up']], fields));
    }
    // What a form says of the bucket counts for nothing: it is the one that is written to.
    await refusal(check(form([...rest, { bucket: 'others' }], { bucket: 'others' })), 'AccessDenied');
  });
});
