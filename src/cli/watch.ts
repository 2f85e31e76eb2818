import { relative, sep } from 'node:path';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Ignore } from './ignore.ts';

/**
 * Editors write a file in several steps: wait until this long nothing more happened. Longer than the 50 ms for which
 * chokidar swallows further changes of a file, or the last of two quick saves would be lost.
 */
const QUIET_MS = 60;

export interface Watch {
  close(): Promise<void>;
}

export interface WatchOptions {
  readonly path: string;
  readonly ignored?: Ignore;
  readonly clock: Clock;
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

/** Calls `onChange` once after each burst of changes at or below `path`. Resolves when changes are being seen. */
export async function watch(options: WatchOptions): Promise<Watch> {
  const { watch: start } = await import('chokidar');
  const { path, ignored, clock } = options;
  let timer: Timer | undefined;
  const watcher = start(path, {
    ignoreInitial: true,
    atomic: false,
    ignored: (candidate, stats) => {
      const below = relative(path, candidate).split(sep).join('/');
      return below !== '' && below !== '.hearthignore' && (ignored?.(below, stats?.isDirectory() ?? false) ?? false);
    },
  });
  watcher.on('all', () => {
    timer?.cancel();
    timer = clock.after(QUIET_MS, options.onChange);
  });
  watcher.on('error', options.onError);
  await new Promise<void>((resolve) => void watcher.once('ready', resolve));
  return {
    close: async () => {
      timer?.cancel();
      await watcher.close();
    },
  };
}
