import type { AccessKey } from '../auth/keys.ts';
import type { Resources } from '../control/resources.ts';
import type { Chains } from '../gateway/chain.ts';

/** Which functions may be invoked in a loop (PutFunctionRecursionConfig, `recursiveLoop: allow`), by id. */
export function loopsOf(resources: Resources): (functionId: string) => boolean {
  return (functionId) => resources.get('recursion', `${functionId}/`)?.loop === 'Allow';
}

/** What is known of chains of invocations. `functions`: the key that functions have. */
export function chainsOf(resources: Resources, functions: AccessKey): Chains {
  return { ofFunctions: (accessKeyId) => accessKeyId === functions.id, mayLoop: loopsOf(resources) };
}
