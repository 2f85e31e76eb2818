import type { ServerResponse } from 'node:http';
import { HearthError } from '../errors.ts';

/** Answers an error as Lambda's API does: JSON with `message` and `Type`, the code in `x-amzn-ErrorType`. */
export function respondError(response: ServerResponse, error: unknown, requestId: string): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const known = error instanceof HearthError ? error : new HearthError('ServiceException', 'An internal error occurred.', { cause: error });
  const type = known.fault === 'platform' ? 'Service' : 'User';
  const body = Buffer.from(JSON.stringify({ Type: type, message: known.message, Message: known.message, ...known.details }));
  const headers: Record<string, string | number> = {
    'content-type': 'application/json',
    'content-length': body.length,
    'x-amzn-errortype': known.code,
    'x-amzn-requestid': requestId,
  };
  // What was not read of a body that is too large must not be taken for the next request.
  if (known.code === 'RequestTooLargeException') headers['connection'] = 'close';
  response.writeHead(known.status, headers);
  response.end(body);
}
