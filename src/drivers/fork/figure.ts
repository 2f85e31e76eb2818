import { totalmem } from 'node:os';

/** No process holds more. */
export const MACHINE_BYTES = totalmem();

/** A figure that a process with user code in it says of itself: not below nothing, and not above what can be (`most`). What is no number counts as nothing. */
export function figureIn(value: unknown, most: number): number {
  return typeof value === 'number' && value > 0 ? Math.min(value, most) : 0;
}
