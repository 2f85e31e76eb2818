import type { FunctionVersion } from '../model/function-version.ts';
import { fixed } from './policies/fixed.ts';
import { greedyDual, type EvictionPolicy } from './policies/greedy-dual.ts';
import { histogram, HISTOGRAM } from './policies/histogram.ts';
import type { KeepAlivePolicy } from './policies/keep-alive.ts';

/** What decides about what stays resident. */
export interface ResidencyOptions {
  /** The policy of one version. */
  readonly policyOf: (version: FunctionVersion) => KeepAlivePolicy;
  readonly eviction: EvictionPolicy;
  /** Length of the idle-time histogram, minutes. */
  readonly rangeMinutes: number;
  /** Most that may be resident, busy instances included, bytes; null: what the machine has. Only what is idle is given up for it. */
  readonly capBytes: number | null;
  readonly prewarmsPerMinute: number;
  /** Snapshots made at once in the background. */
  readonly backgroundAtOnce: number;
}

const POLICIES: Readonly<Record<'fixed' | 'histogram', KeepAlivePolicy>> = { fixed, histogram: histogram(HISTOGRAM) };

/** The policy that a function asks for, or the server's own. */
export function policyOf(servers: 'fixed' | 'histogram'): (version: FunctionVersion) => KeepAlivePolicy {
  return ({ scaling: { keepAlive = 'fixed' } }) => POLICIES[keepAlive === 'server' ? servers : keepAlive];
}

export const RESIDENCY: ResidencyOptions = {
  policyOf: policyOf('histogram'),
  eviction: greedyDual,
  rangeMinutes: 60,
  capBytes: null,
  prewarmsPerMinute: 30,
  backgroundAtOnce: 1,
};
