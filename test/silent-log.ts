import type { Log } from '../src/store/log.ts';

/** Hears nothing. */
export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
