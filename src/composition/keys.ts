import { Authority } from '../auth/authority.ts';
import type { AccessKey } from '../auth/keys.ts';
import { openSeal } from '../auth/seal.ts';
import { KeyRing } from '../control/key-ring.ts';
import type { Resources } from '../control/resources.ts';
import type { Base } from './base.ts';

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/;

/**
 * Keys, and who must have one. Unless the configuration says (`auth.required`), signatures are required as soon as the server listens beyond
 * loopback or a key was made; until then whoever reaches it may do everything, and credentials are whatever a client likes.
 */
export function openKeys({ config, clock }: Base, own: { resources: Resources; local: AccessKey; functions: AccessKey }) {
  const keys = new KeyRing({ ...own, seal: openSeal(config.home), clock });
  const beyond = !LOOPBACK.test(config.host);
  const authority = new Authority({
    keys,
    statementsOf: (id) => keys.statementsOf(id),
    clock,
    accountId: config.accountId,
    required: () => config.auth.required ?? (beyond || keys.made),
  });
  return { keys, authority };
}
