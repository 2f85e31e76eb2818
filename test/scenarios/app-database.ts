import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientConfig } from 'pg';

/** How the owner of a server reaches its database `app`: by the socket in the data folder. */
export function ownerOf(home: string): ClientConfig {
  const root = join(home, 'postgres');
  return { host: join(root, 'data'), user: 'hearth', password: readFileSync(join(root, 'password'), 'utf8'), database: 'app' };
}
