import type { AccessKey } from '../auth/keys.ts';
import { readLocalKey } from '../auth/local-key.ts';
import { homeOf } from './endpoint.ts';

/** What requests to a server are signed with: HEARTH_ACCESS_KEY_ID and HEARTH_SECRET_ACCESS_KEY, else the key of the server of this home, if any. */
export function keyFor(env: Readonly<Record<string, string | undefined>>): AccessKey | null {
  const [id, secret] = [env['HEARTH_ACCESS_KEY_ID'], env['HEARTH_SECRET_ACCESS_KEY']];
  return id && secret ? { id, secret } : readLocalKey(homeOf(env));
}
