import type { ConfineStep } from '../runtimes/protocol.ts';

/**
 * A session of its own, so that no signal to the parent's group reaches it; and every descendant that loses its parent becomes
 * the process's own child, so that killing its tree misses none.
 */
export function session(): ConfineStep[] {
  return [{ op: 'setsid' }, { op: 'subreaper' }];
}
