import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How AWS's clients reach a test's server: with the key that it made for itself. */
export function clientOptions(server: { readonly home: string; readonly endpoint: string }) {
  const text = readFileSync(join(server.home, 'credentials'), 'utf8');
  const value = (name: string): string => new RegExp(`${name} = (\\S+)`).exec(text)?.[1] ?? '';
  const credentials = { accessKeyId: value('aws_access_key_id'), secretAccessKey: value('aws_secret_access_key') };
  return { endpoint: server.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 };
}
