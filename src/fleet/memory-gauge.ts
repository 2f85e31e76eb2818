import { readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import type { Clock } from '../lib/clock.ts';

/** What memory the machine has. */
export interface MemoryGauge {
  readonly totalBytes: number;
  /** Memory the kernel could give to new processes without swapping, bytes; at most 20 ms old. */
  availableBytes(): number;
}

/** Reads MemAvailable where there is /proc, else the free memory the system reports. */
export function machineMemory(clock: Clock): MemoryGauge {
  let readAtMs = Number.NEGATIVE_INFINITY;
  let bytes = 0;
  return {
    totalBytes: totalmem(),
    availableBytes() {
      const now = clock.monotonic();
      if (now - readAtMs >= 20) {
        bytes = readAvailable();
        readAtMs = now;
      }
      return bytes;
    },
  };
}

function readAvailable(): number {
  try {
    const kb = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1];
    if (kb !== undefined) return Number(kb) * 1024;
  } catch {
    // no /proc: not Linux
  }
  return freemem();
}
