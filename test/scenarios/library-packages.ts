import { npmPackages, pythonPackages, type Packages } from './packages.ts';
import { PYTHON } from './python-shim-host.ts';

/** The numeric and image libraries that a function is likely to bring, in versions known to work. */
export const nodeLibraries = (): Promise<Packages> => npmPackages({ 'onnxruntime-node': '1.30.0', sharp: '0.35.5' });

export const pythonLibraries = (): Promise<Packages> =>
  pythonPackages(PYTHON, { numpy: '2.3.5', onnxruntime: '1.30.0', 'opencv-python-headless': '5.0.0.93', pillow: '12.3.0' });

/** Another Node.js, whole, as npm has it. */
export const nodeInterpreter = (version: string): Promise<Packages> => npmPackages({ [`node-linux-${process.arch}`]: version });

/** Clients that hold connections. */
export const pythonClients = (): Promise<Packages> =>
  pythonPackages(PYTHON, { 'psycopg-binary': '3.3.9', psycopg: '3.3.9', 'psycopg-pool': '3.3.3', requests: '2.32.5' });
