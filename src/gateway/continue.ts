import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Tells a client that waits for it (`Expect: 100-continue`) to send its body once somebody begins to read that. Who is refused before, by the head of the request
 * alone, is not asked to send gigabytes for nothing: node:http then ends the connection with the answer.
 */
export function continueWhenRead(request: IncomingMessage, response: ServerResponse): void {
  const begins = (event: string | symbol): void => {
    if (event !== 'data' && event !== 'readable') return;
    request.off('newListener', begins);
    if (!response.headersSent && !response.destroyed) response.writeContinue();
  };
  request.on('newListener', begins);
}
