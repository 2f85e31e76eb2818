import type { Readable } from 'node:stream';
import { CliError } from './errors.ts';
import type { PackagedFile } from './package-folder.ts';

/** What deflate can't make smaller. */
const DENSE = /\.(?:zip|gz|br|zst|xz|bz2|7z|jpe?g|png|webp|gif|mp[34]|woff2|whl|gguf|safetensors|onnx|pt|pth)$/i;

/**
 * A zip of the files, as it is being written. The same files give the same bytes wherever and whenever that is: times
 * are fixed, and of the mode only "executable" is kept; so what did not change is known by its digest.
 */
export async function zipOf(files: readonly PackagedFile[]): Promise<Readable> {
  const { ZipFile } = await import('yazl');
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  zip.on('error', (error: Error) =>
    output.destroy(
      new CliError(`can't pack the folder: ${error.message}`, { fix: 'did a file change just then? try again', cause: error }),
    ),
  );
  for (const file of files) {
    zip.addFile(file.absolute, file.path, {
      mtime: new Date(1980, 0, 1), // the first moment a zip can name; local, as its times are
      forceDosTimestamp: true,
      mode: file.executable ? 0o100755 : 0o100644,
      compressionLevel: DENSE.test(file.path) ? 0 : 1,
    });
  }
  zip.end();
  return output;
}
