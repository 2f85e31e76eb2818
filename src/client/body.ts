import type { Readable } from 'node:stream';

/** Everything a stream has to say. */
export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The values of a newline-delimited JSON stream, as they come. A line that is not JSON is an error. */
export async function* readLines(stream: Readable): AsyncGenerator<unknown, void, undefined> {
  let rest: Buffer[] = [];
  for await (const chunk of stream) {
    let from = 0;
    const bytes = chunk as Buffer;
    for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
      const line = Buffer.concat([...rest, bytes.subarray(from, at)]).toString('utf8');
      rest = [];
      from = at + 1;
      if (line.trim() !== '') yield JSON.parse(line);
    }
    if (from < bytes.length) rest.push(bytes.subarray(from));
  }
  const last = Buffer.concat(rest).toString('utf8');
  if (last.trim() !== '') yield JSON.parse(last);
}
