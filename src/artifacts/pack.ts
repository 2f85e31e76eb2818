import { readdir, readlink, stat } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { ZipFile } from 'yazl';

/** The first date a zip can tell. */
const MTIME = new Date(1980, 0, 1);

interface Packed {
  readonly name: string;
  readonly path: string;
  readonly kind: 'file' | 'link' | 'folder';
}

/**
 * Packs a folder so that the same content always gives the same bytes: names sorted, one date, two modes, nothing compressed
 * (the digest must not depend on the zlib of the day). `comment` becomes the zip's own comment.
 */
export async function pack(folder: string, comment = ''): Promise<Buffer> {
  const zip = new ZipFile();
  for (const entry of await listing(folder)) await add(zip, entry);
  zip.end({ comment, forceZip64Format: false });
  return buffer(zip.outputStream as Readable);
}

async function add(zip: ZipFile, entry: Packed): Promise<void> {
  const options = { mtime: MTIME, forceDosTimestamp: true };
  if (entry.kind === 'folder') {
    zip.addEmptyDirectory(entry.name, { ...options, mode: 0o40755 });
  } else if (entry.kind === 'link') {
    zip.addBuffer(Buffer.from(await readlink(entry.path)), entry.name, { ...options, mode: 0o120777, compress: false });
  } else {
    const { mode, size } = await stat(entry.path);
    zip.addReadStreamLazy(entry.name, { ...options, mode: mode & 0o111 ? 0o100755 : 0o100644, compress: false, size }, (done) =>
      done(null, createReadStream(entry.path)),
    );
  }
}

/** Files, links and empty folders below a folder, by name. */
async function listing(folder: string): Promise<Packed[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const packed = entries.map((entry): Packed => {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path).split(sep).join('/');
    return { name, path, kind: entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'file' };
  });
  const parents = new Set(packed.map((p) => p.name.slice(0, Math.max(0, p.name.lastIndexOf('/')))));
  return packed.filter((p) => p.kind !== 'folder' || !parents.has(p.name)).sort((a, b) => (a.name < b.name ? -1 : 1));
}
