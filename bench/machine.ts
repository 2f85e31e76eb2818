import os from 'node:os';
import { round } from './stats.ts';

/** What a figure was taken on: without it a figure means nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly kernel: string;
}

export function describeMachine(): Machine {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGb: round(os.totalmem() / 2 ** 30, 1),
    node: process.versions.node,
    kernel: os.release(),
  };
}

/** The machine's load averages over 1, 5 and 15 minutes: whether anybody else was at work. */
export function loadAverage(): number[] {
  return os.loadavg().map((load) => round(load, 2));
}
