import { fstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { readAll } from '../client/body.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';

export interface PayloadOptions {
  readonly data?: string;
  readonly file?: string;
}

/** The event that the options name: JSON text, a JSON file, any other file wrapped as a request, or standard input; `{}` by default. */
export async function payloadOf(context: Context, options: PayloadOptions): Promise<Buffer> {
  if (options.data !== undefined && options.file !== undefined)
    throw new CliError('both --data and --file were given', { fix: 'give one of them' });
  if (options.data !== undefined) return checkedJson(Buffer.from(options.data), '--data');
  if (options.file === '-' || (options.file === undefined && isPiped(context.stdin))) {
    const input = await readAll(context.stdin);
    return input.length === 0 ? Buffer.from('{}') : checkedJson(input, 'standard input');
  }
  if (options.file === undefined) return Buffer.from('{}');
  const bytes = await readFile(resolve(context.cwd, options.file)).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`can't read ${options.file}: ${error.message}`, {
      fix: 'name a file that is there, or `-` for standard input',
      cause: error,
    });
  });
  return extname(options.file).toLowerCase() === '.json' ? checkedJson(bytes, options.file) : asRequest(bytes, options.file);
}

/**
 * Only what somebody surely put there is read unasked: a file or a pipe. A socket (what many programs give their
 * children) may stay open for ever; `--file -` reads that too.
 */
function isPiped(stdin: NodeJS.ReadStream): boolean {
  try {
    const info = fstatSync((stdin as { fd?: number }).fd ?? 0);
    return info.isFIFO() || info.isFile();
  } catch {
    return false;
  }
}

function checkedJson(bytes: Buffer, from: string): Buffer {
  try {
    JSON.parse(bytes.toString('utf8'));
    return bytes;
  } catch (error) {
    throw new CliError(`${from} is not JSON: ${(error as Error).message}`, { fix: fixOf(from), cause: error });
  }
}

function fixOf(from: string): string {
  if (from === '--data') return `quote it for your shell: --data '{"name": "world"}'`;
  if (from === 'standard input') return 'an event is JSON; a file of another kind is given with --file';
  return 'correct it; a file that is not called .json is wrapped as a request, whatever it has in it';
}

const TYPES: Readonly<Record<string, string>> = {
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.bmp': 'image/bmp',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.svg': 'image/svg+xml',
  '.pdf': 'application/pdf',
  '.zip': 'application/zip',
  '.wav': 'audio/wav',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.csv': 'text/csv',
  '.txt': 'text/plain',
  '.html': 'text/html',
  '.xml': 'application/xml',
};

/** What a function URL would make of `curl --data-binary @FILE` (payload format 2.0), so that one handler serves both. */
function asRequest(bytes: Buffer, file: string): Buffer {
  const type = TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream';
  const event = {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/',
    rawQueryString: '',
    headers: { 'content-type': type, 'content-length': String(bytes.length), 'x-file-name': encodeURIComponent(basename(file)) },
    requestContext: { http: { method: 'POST', path: '/', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'hearth' } },
    body: bytes.toString('base64'),
    isBase64Encoded: true,
  };
  return Buffer.from(JSON.stringify(event));
}
