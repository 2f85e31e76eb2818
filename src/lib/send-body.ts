import type { ServerResponse } from 'node:http';

interface Answer {
  readonly headers: Readonly<Record<string, string | number>>;
  /** Absent: none, whatever the headers say of its length. */
  readonly body?: Buffer | undefined;
}

/**
 * Sends a whole answer, also to who is still sending its request. What is left of a body that was given up must not be taken for the next request: the connection
 * ends then. A body that nobody began to read is read away by node:http.
 */
export function sendBody(response: ServerResponse, status: number, answer: Answer): void {
  const { req } = response;
  const { body } = answer;
  const cut = !req.complete && req.readableDidRead;
  const headers: Answer['headers'] = {
    ...answer.headers,
    ...(body === undefined ? {} : { 'content-length': body.length }),
    ...(cut ? { connection: 'close' } : {}),
  };
  response.writeHead(status, headers);
  if (req.complete || (response.shouldKeepAlive && headers['connection'] === undefined)) response.end(body);
  else endAfterBody(response, body);
}

/** So much of a body that nobody wants is read all the same, bytes; nothing of it is kept. */
const UNWANTED_BYTES = 64 << 20;
/** Who sends nothing of it for so long sends nothing more, milliseconds. */
const SILENT_MS = 10_000;

/**
 * Ends a response, and with it the connection, while the request's body is still coming: cut off now, the client would lose the answer with what it is still
 * sending. So that is read first, as far as it goes (RFC 9112, 9.6). The answer is out at once, and a client that looks need not send the rest.
 */
function endAfterBody(response: ServerResponse, body: Buffer | undefined): void {
  const { req } = response;
  let bytes = 0;
  if (body === undefined) response.flushHeaders();
  else response.write(body);
  for (const event of ['data', 'readable']) req.removeAllListeners(event); // who wanted it has given up
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > UNWANTED_BYTES) response.end();
  });
  req.once('close', () => response.end()); // read to its end, or broken off
  req.setTimeout(SILENT_MS, () => response.end());
  req.resume();
}
