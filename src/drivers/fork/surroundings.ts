import { existsSync, realpathSync } from 'node:fs';
import type { StartSpec } from '../../fleet/driver.ts';
import type { Interpreter } from '../../runtimes/interpreters.ts';
import { closedAncestors } from '../../sandbox/visibility.ts';
import type { ForkDriverOptions } from './options.ts';
import { shimFolders } from './zygotes.ts';

/** The paths a function's processes must see, all links resolved; those that don't exist left out. */
export function neededPaths(options: ForkDriverOptions, interpreter: Interpreter, spec: StartSpec): string[] {
  const paths = [...interpreter.roots, ...shimFolders(options.shims, interpreter.language), spec.taskRoot, options.runDirectory];
  if (spec.dependencyRoot !== null) paths.push(spec.dependencyRoot);
  if (spec.layersRoot) paths.push(spec.layersRoot);
  return [...new Set(paths.flatMap((path) => real(path) ?? []))];
}

/** The directories to cover: those that would be in the way of a function's own user, and those it has no business in. */
export function hiddenPaths(options: ForkDriverOptions, needed: readonly string[]): string[] {
  const ownUser = options.abilities.root && options.abilities.ids !== null;
  return [...new Set([...(ownUser ? closedAncestors(needed) : []), ...options.hide.flatMap((path) => real(path) ?? [])])];
}

export function real(path: string): string | null {
  return existsSync(path) ? realpathSync(path) : null;
}
