const MiB = 1024 * 1024;

/** What is known of the memory of a version's instances. */
export interface MemoryObservation {
  /** Mean measured use of one instance, or null while none was measured. */
  readonly measuredBytes: number | null;
  readonly forked: boolean;
  /** The function's configured memory. */
  readonly memoryMb: number;
}

/**
 * What one more instance is expected to use: a quarter more than its kind was measured to use, and what its page tables take.
 * Before the first measurement a forked one is charged 16 MB; a plain one its configured memory, at most 256 MB.
 */
export function estimateBytes(o: MemoryObservation): number {
  if (o.measuredBytes !== null) return Math.max(4 * MiB, o.measuredBytes * 1.25 + 2 * MiB);
  return o.forked ? 16 * MiB : Math.min(o.memoryMb, 256) * MiB;
}
