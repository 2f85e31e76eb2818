import { signingKey, type CredentialScope } from './sigv4.ts';

/** Most keys remembered: a key is derived for each secret, day, region and service. */
const MOST = 1_000;

const derived = new Map<string, Buffer>();

/**
 * The key that signs for one day, region and service. Deriving one takes four HMACs, and a client signs with the same one all day: those that were
 * `keep`t are remembered, the oldest goes first. Keep only what a right signature was made with, or strangers fill the memory with regions of their own.
 */
export function signingKeyOf(secret: string, scope: CredentialScope): { readonly key: Buffer; keep(): void } {
  const name = `${secret}\0${scope.date}\0${scope.region}\0${scope.service}`;
  const known = derived.get(name);
  if (known !== undefined) return { key: known, keep: () => undefined };
  const key = signingKey(secret, scope);
  return {
    key,
    keep() {
      const oldest = derived.size < MOST ? undefined : derived.keys().next().value;
      if (oldest !== undefined) derived.delete(oldest);
      derived.set(name, key);
    },
  };
}
