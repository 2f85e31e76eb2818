import { access, constants, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** An external extension: an executable file directly in a layer's `extensions/`, which is /opt/extensions on Lambda. */
export interface ExtensionFile {
  readonly name: string;
  readonly path: string;
}

/** The external extensions among a function's layers, by name. `layersRoot`: what is merged into /opt; null: nothing. */
export async function findExtensions(layersRoot: string | null): Promise<readonly ExtensionFile[]> {
  if (layersRoot === null) return [];
  const folder = join(layersRoot, 'extensions');
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(
    names
      .sort((a, b) => (a < b ? -1 : 1))
      .map(async (name) => ((await runs(join(folder, name))) ? [{ name, path: join(folder, name) }] : [])),
  );
  return found.flat();
}

async function runs(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false;
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false; // Lambda runs only what can be executed, too
  }
}
