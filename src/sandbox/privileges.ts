import type { ConfineStep } from '../runtimes/protocol.ts';

/** No capability is left and no set-uid program gives any. After everything that needs one. */
export function privileges(): ConfineStep[] {
  return [{ op: 'dropCapabilities' }, { op: 'noNewPrivs' }];
}
