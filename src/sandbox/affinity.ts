import type { ConfineStep } from '../runtimes/protocol.ts';

/** One CPU, as the init phase has: numeric libraries then start no thread pools, which could not be forked. */
export function oneCpu(cpu: number): ConfineStep {
  return { op: 'affinity', cpus: [cpu], optional: true };
}

/** Every CPU, as an instance has. */
export function everyCpu(): ConfineStep {
  return { op: 'affinity', cpus: [], optional: true };
}
