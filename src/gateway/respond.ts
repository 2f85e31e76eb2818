import type { ServerResponse } from 'node:http';
import { unforeseen } from '../errors.ts';
import { sendBody } from '../lib/send-body.ts';
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
    ...errorHeaders,
    'x-amzn-requestid': requestId,
  };
  // What was not read of a body that is too large must not be taken for the next request.
  if (known.code === 'RequestTooLargeException') headers['connection'] = 'close';
  sendBody(response, known.status, { headers, body });
}
