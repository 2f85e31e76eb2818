import type { Readable } from 'node:stream';

/** All that comes, as one buffer; null once more than `maxBytes` did: the rest is not read, and stays to be read by others. */
export async function readAll(stream: Readable, maxBytes: number): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return null;
    parts.push(chunk);
  }
  return Buffer.concat(parts, bytes);
}
