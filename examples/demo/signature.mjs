/** AWS Signature Version 4, as a client without an SDK makes it. */
import { createHash, createHmac } from 'node:crypto';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

/** The headers that sign a request to Lambda's API or Hearth's own. `headers`: what else it has, by lower-case name; its query has one value a name. */
export function signature({ method, url, body = '', headers: others = {} }, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION }) {
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = [time.slice(0, 8), AWS_REGION, 'lambda', 'aws4_request'];
  const added = { host: url.host, 'x-amz-content-sha256': sha256(body), 'x-amz-date': time };
  const steering = Object.entries(others).filter(([name]) => name.startsWith('x-amz-'));
  const headers = [...Object.entries(added), ...steering].sort(([a], [b]) => (a < b ? -1 : 1));
  const names = headers.map(([name]) => name).join(';');
  const query = [...url.searchParams].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).sort();
  const lines = headers.map(([name, value]) => `${name}:${value}\n`);
  const canonical = [method, url.pathname, query.join('&'), lines.join(''), names, added['x-amz-content-sha256']].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n');
  const key = scope.reduce(hmac, `AWS4${AWS_SECRET_ACCESS_KEY}`);
  const credential = `${AWS_ACCESS_KEY_ID}/${scope.join('/')}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${hmac(key, toSign).toString('hex')}`;
  return { ...added, authorization };
}
