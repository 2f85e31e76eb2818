import { plainText } from '../../lib/plain-text.ts';
import type { InitDone } from '../../runtimes/protocol.ts';
import { figureIn } from './figure.ts';

const MOST_MODULES = 10;
const MOST_NAME = 300;
const MOST_REASON = 2_000;

/**
 * What a shim says of its init phase. User code runs in the same process, so nothing in it is believed to have its form: texts are kept, in
 * databases too, so they are cut and made such as any of them takes. `mostMs`: how long it took as the host saw it; no part of it took longer.
 */
export function readInitDone(message: Readonly<Record<string, unknown>>, mostMs: number): InitDone {
  const time = (name: string): number => figureIn(message[name], mostMs);
  const { slowestModules, unforkable } = message;
  return {
    durationMs: time('durationMs'),
    setUpMs: time('setUpMs'),
    importMs: time('importMs'),
    userMs: time('userMs'),
    slowestModules: Array.isArray(slowestModules)
      ? slowestModules.slice(0, MOST_MODULES).flatMap((module) => moduleIn(module, mostMs))
      : [],
    unforkable: typeof unforkable === 'string' ? plainText(unforkable, MOST_REASON) : null,
    restores: message['restores'] === true,
  };
}

function moduleIn(value: unknown, mostMs: number): { name: string; ms: number }[] {
  const { name, ms } = (value ?? {}) as Record<string, unknown>;
  return typeof name === 'string' ? [{ name: plainText(name, MOST_NAME), ms: figureIn(ms, mostMs) }] : [];
}
