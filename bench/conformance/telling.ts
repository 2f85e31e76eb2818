/**
 * What a replayed function begins with: `tell(queueUrl, document)` sends a message, signed with the key that every function has. Written out, as the
 * function's code has to be without packages.
 */
export const TELLING = `
const { createHash, createHmac } = require('node:crypto');
const sha = (text) => createHash('sha256').update(text).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
async function tell(QueueUrl, document) {
  const { AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  const body = JSON.stringify({ QueueUrl, MessageBody: JSON.stringify(document) });
  const date = new Date().toISOString().replace(/[-:]|[.]\\d{3}/g, '');
  const scope = [date.slice(0, 8), AWS_REGION, 'sqs', 'aws4_request'].join('/');
  const headers = { host: new URL(AWS_ENDPOINT_URL).host, 'x-amz-date': date, 'x-amz-target': 'AmazonSQS.SendMessage' };
  const names = Object.keys(headers).join(';');
  const canonical = ['POST', '/', '', ...Object.entries(headers).map(([n, v]) => n + ':' + v), '', names, sha(body)].join('\\n');
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha(canonical)].join('\\n');
  const key = scope.split('/').reduce((k, part) => hmac(k, part), 'AWS4' + AWS_SECRET_ACCESS_KEY);
  const signature = hmac(key, toSign).toString('hex');
  const authorization = 'AWS4-HMAC-SHA256 Credential=' + AWS_ACCESS_KEY_ID + '/' + scope + ', SignedHeaders=' + names + ', Signature=' + signature;
  const { host: _, ...sent } = headers;
  const answer = await fetch(AWS_ENDPOINT_URL, { method: 'POST', body, headers: { ...sent, 'content-type': 'application/x-amz-json-1.0', authorization } });
  if (!answer.ok) throw new Error(await answer.text());
}
`;
