import { statSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import type { ConfineStep } from '../runtimes/protocol.ts';

/** Whether `path` is `directory` or lies below it. */
export function within(directory: string, path: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : directory + sep);
}

/** The paths that lie in no other of them. */
export function outermost(paths: readonly string[]): string[] {
  const all = [...new Set(paths)];
  return all.filter((path) => !all.some((other) => other !== path && within(other, path)));
}

/**
 * Covers each directory of `hide` with an empty one in which only what is needed is left, read-only. A directory that is itself
 * needed, or part of what is, stays as it is.
 */
export function covers(hide: readonly string[], needed: readonly string[], except: readonly string[] = []): ConfineStep[] {
  return outermost(
    hide.filter((target) => target !== '/' && !except.some((e) => within(e, target)) && !needed.some((path) => within(path, target))),
  ).map((target) => ({ op: 'mask', target, sizeMb: 1, mode: 0o755, keep: outermost(needed.filter((path) => within(target, path))) }));
}

/**
 * The outermost ancestors of the paths that another user can't pass through (a home directory of mode 0700, say). An interpreter or code
 * below one is out of reach for a function's own user unless the directory is covered.
 */
export function closedAncestors(paths: readonly string[]): string[] {
  return outermost(
    paths.flatMap((path) => {
      const closed: string[] = [];
      for (let at = dirname(resolve(path)); at !== '/'; at = dirname(at)) if (!traversable(at)) closed.push(at);
      return closed;
    }),
  );
}

function traversable(directory: string): boolean {
  try {
    return (statSync(directory).mode & 0o001) !== 0;
  } catch {
    return true; // not there: nothing to cover
  }
}
