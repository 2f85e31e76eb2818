import type { IncomingMessage } from 'node:http';

/** A header that is given once; '' when it is not. */
export function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}
