import { constants } from 'node:os';
import type { ExitStatus } from '../model/instance.ts';

/** What waitpid(2) gave, in the model's words. */
export function decodeStatus(status: number): ExitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal: signalName(signal) };
}

/** `SIGKILL` for 9; the number for a signal without a name. */
export function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, n]) => n === number)?.[0] ?? `SIG${number}`;
}
