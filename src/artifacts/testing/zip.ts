import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

export const MODE = { file: 0o100644, program: 0o100755, link: 0o120777 };

type Content = string | Buffer;

/** A zip of names to contents; with a mode when it is not a plain file's. */
export async function zip(
  files: Readonly<Record<string, Content | readonly [content: Content, mode: number]>>,
  compress = true,
): Promise<Buffer> {
  const file = new ZipFile();
  for (const [name, value] of Object.entries(files)) {
    const [content, mode] = typeof value === 'string' || Buffer.isBuffer(value) ? [value, MODE.file] : value;
    file.addBuffer(Buffer.from(content), name, { mode, compress });
  }
  file.end();
  return buffer(file.outputStream as Readable);
}
