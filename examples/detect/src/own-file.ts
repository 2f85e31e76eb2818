import { readFile, realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { PictureError } from './errors.ts';

/** The folder the function was deployed from. */
export const TASK_ROOT = process.env.LAMBDA_TASK_ROOT ?? process.cwd();

/** Reads a file that was deployed with the function: `file:cat.jpg` or `pictures/cat.jpg`. Nothing outside its folder, by whatever path. */
export async function readOwnFile(url: string): Promise<Buffer> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme && scheme !== 'file') throw new PictureError(400, `cannot read ${scheme}: URLs; http, https, data and file are understood`);
  try {
    const root = await realpath(TASK_ROOT);
    const path = await realpath(resolve(root, decodeURIComponent(url.replace(/^file:(\/\/)?/i, ''))));
    if (!path.startsWith(root + sep)) throw new Error('outside of the function');
    return await readFile(path);
  } catch (cause) {
    throw new PictureError(400, `no file ${url} in the function's folder`, { cause });
  }
}
