import type { ServerResponse } from 'node:http';

/** A client that takes nothing of its answer for so long is taken for gone, milliseconds. As nginx's `send_timeout` has it. */
export const UNREAD_MS = 60_000;

/**
 * Cuts an answer of which its client takes nothing more for `ms`; one that is read slowly takes as long as it takes. To be called once the response has been
 * ended: what is left of it lies in memory, megabytes for each client that asked for much and reads nothing, and no handler's timeout ends that.
 */
export function cutIfUnread(response: ServerResponse, ms = UNREAD_MS): void {
  if (response.writableFinished) return;
  const { socket } = response;
  if (socket === null) {
    response.once('socket', () => cutIfUnread(response, ms)); // the turn of what was asked for before on the same connection
    return;
  }
  // node:http destroys a socket whose timeout nobody listens to; a write that makes progress puts that off. Kept alive, it has another timeout.
  socket.setTimeout(ms);
  response.prependOnceListener('finish', () => socket.setTimeout(0));
}
