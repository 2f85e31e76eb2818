import { fileURLToPath } from 'node:url';

/** The repository's root, from a file that was built to dist/bench/. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A file of the repository. */
export function inRepository(path: string): string {
  return ROOT + path;
}

/** A built file beside this one, to be run as a process of its own. */
export function builtFile(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
