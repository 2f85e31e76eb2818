import type { ServerResponse } from 'node:http';
import { unforeseen } from '../errors.ts';
import { lambdaError } from '../model/lambda-error.ts';

/** Answers an error as Lambda's API does: JSON with its text and `Type`, the code in `x-amzn-ErrorType`. */
export function respondError(response: ServerResponse, error: unknown, requestId: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const known = unforeseen(error);
  const { headers: errorHeaders, document } = lambdaError(known);
  const body = Buffer.from(JSON.stringify(document));
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': body.length,
    ...errorHeaders,
    'x-amzn-requestid': requestId,
  };
  // What was not read of a body that is too large must not be taken for the next request.
  if (known.code === 'RequestTooLargeException') headers['connection'] = 'close';
  response.writeHead(known.status, headers);
  if (response.req.complete || (response.shouldKeepAlive && headers['connection'] === undefined)) response.end(body);
  else endAfterBody(response, body);
}

/** So much of a body that nobody wants is read all the same, bytes; nothing of it is kept. */
const UNWANTED_BYTES = 64 << 20;

/**
 * Ends a response, and with it the connection, while the request's body is still coming: cut off now, the client would lose the answer with what it is still
 * sending. So that is read first, as far as it goes (RFC 9112, 9.6). The answer is out at once, and a client that looks need not send the rest.
 */
function endAfterBody(response: ServerResponse, body: Buffer): void {
  const { req } = response;
  let bytes = 0;
  response.write(body);
  req.removeAllListeners('data'); // who wanted it has given up
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > UNWANTED_BYTES) response.end();
  });
  req.once('close', () => response.end()); // read to its end, or broken off
  req.resume();
}
