import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { npmPackages, pythonPackages, type Packages } from './packages.ts';
import { PYTHON } from './python-shim-host.ts';

/** The numeric and image libraries that a function is likely to bring, in versions known to work. */
export const nodeLibraries = (): Promise<Packages> => npmPackages({ 'onnxruntime-node': '1.30.0', sharp: '0.35.5', koffi: '3.3.4' });

export const pythonLibraries = (): Promise<Packages> =>
  pythonPackages(PYTHON, {
    numpy: '2.3.5',
    onnxruntime: '1.30.0',
    'opencv-python-headless': '5.0.0.93',
    pillow: '12.3.0',
    pykdtree: '1.4.3',
  });

/**
 * torch is not installed for a test: with the CUDA that PyPI's has it is 5 GB. HEARTH_TEST_TORCH names a folder in which it is
 * (`pip install --target FOLDER/python torch`).
 */
export function torch(): Packages {
  const root = process.env['HEARTH_TEST_TORCH'];
  if (root === undefined)
    return { root: null, missing: 'HEARTH_TEST_TORCH names no folder with torch (pip install --target FOLDER/python torch)' };
  if (existsSync(join(root, 'python/torch'))) return { root, missing: null };
  return { root: null, missing: `HEARTH_TEST_TORCH: there is no ${join(root, 'python/torch')}` };
}

/** A shared library that a Python package brings along; its name starts with `name`. */
export function sharedLibrary({ root }: Packages, folder: string, name: string): string {
  const libraries = join(root ?? '', 'python', folder);
  const file = root === null ? undefined : readdirSync(libraries).find((entry) => entry.startsWith(name));
  return file === undefined ? '' : join(libraries, file);
}

/** Another Node.js, whole, as npm has it. */
export const nodeInterpreter = (version: string): Promise<Packages> => npmPackages({ [`node-linux-${process.arch}`]: version });

/** Clients that hold connections. */
export const pythonClients = (): Promise<Packages> =>
  pythonPackages(PYTHON, { 'psycopg-binary': '3.3.9', psycopg: '3.3.9', 'psycopg-pool': '3.3.3', requests: '2.32.5' });
