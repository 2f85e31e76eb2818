import { gunzipSync } from 'node:zlib';

const BLOCK = 512;

/** Takes files out of a .tgz: name → bytes. Throws when one is missing. */
export function readTarball(tgz, names) {
  const tar = gunzipSync(tgz);
  const field = (at, length) => tar.toString('latin1', at, at + length).replace(/\0.*$/s, '');
  const files = new Map();
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
    const name = field(at, 100);
    const size = parseInt(field(at + 124, 12), 8);
    const start = at + BLOCK;
    if (names.includes(name)) files.set(name, tar.subarray(start, start + size));
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  for (const name of names) if (!files.has(name)) throw new Error(`the package has no ${name}`);
  return files;
}
