import { Authority } from '../auth/authority.ts';
import type { AccessKey } from '../auth/keys.ts';
import { signed } from '../auth/sign.ts';
import { openSeal } from '../auth/seal.ts';
import { KeyRing } from '../control/key-ring.ts';
import type { Resources } from '../control/resources.ts';
import { TokenBuckets } from '../lib/token-buckets.ts';
import { throttled } from '../model/throttled.ts';
import type { OwnSignature } from '../triggers/ledger/http-destination.ts';
import { knownActions } from './actions.ts';
import type { Base } from './base.ts';

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/;

/** Keys, and who must have one: everybody, unless the configuration asks for anonymous mode. */
export function openKeys({ config, clock }: Base, own: { resources: Resources; local: AccessKey; functions: AccessKey }) {
  const keys = new KeyRing({ ...own, seal: openSeal(config.home), clock, actions: knownActions() });
  const { required, anonymous } = config.auth;
  const { requestsPerKey } = config.limits;
  const buckets = new TokenBuckets(clock);
  const unlimited = new Set([own.local.id, own.functions.id]);
  const authority = new Authority({
    keys,
    statementsOf: (id) => keys.statementsOf(id),
    clock,
    accountId: config.accountId,
    required,
    count(id) {
      if (requestsPerKey !== null && !unlimited.has(id) && !buckets.take(id, requestsPerKey)) throw throttled('CallerRateLimitExceeded');
    },
    unsignedData: anonymous ?? (!required && LOOPBACK.test(config.host)),
  });
  return { keys, authority };
}

/** Signs what the server posts to itself: the outcome of an event for the door of a function here, with what functions may do. */
export function ownSignature({ clock }: Base, key: AccessKey, endpoint: () => string): OwnSignature {
  return ({ method, url, body }) => {
    if (endpoint() === '') return {}; // not listening yet: it will be tried again
    const own = new URL(endpoint());
    if (url.port !== own.port || (url.hostname !== own.hostname && !LOOPBACK.test(url.hostname))) return {};
    return signed({ method, url: url.pathname + url.search, headers: { host: url.host }, payload: body }, key, clock.now());
  };
}
