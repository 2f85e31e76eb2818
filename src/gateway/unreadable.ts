import { maxHeaderSize } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { UnderWay } from './under-way.ts';

/** How long a client that was told off may take to hang up. */
const HANG_UP_MS = 2_000;

/**
 * Ends a connection on which what came is no HTTP, or nothing for too long. What was asked for before is still answered: its answer must not be this one. Without
 * anything before it the client is told, and has a moment to read it.
 */
export function unreadable(
  error: Error,
  socket: Socket,
  { underWay, clock }: { readonly underWay: UnderWay; readonly clock: Clock },
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  if (ending.has(socket)) return; // more of it
  ending.add(socket);
  // Where the last one's body is what can't be read, it never will be complete.
  const open = underWay.on(socket).filter(({ req }) => req.complete);
  const last = open.at(-1);
  if (last !== undefined) {
    last.shouldKeepAlive = false;
    last.once('close', () => socket.destroySoon());
  } else if (underWay.on(socket).some((response) => response.headersSent)) socket.destroy();
  else {
    const late = clock.after(HANG_UP_MS, () => socket.destroy());
    socket.once('close', () => late.cancel());
    socket.end(REFUSALS[(error as NodeJS.ErrnoException).code ?? ''] ?? UNREADABLE);
  }
}

/** Connections that end with what is under way on them. */
const ending = new WeakSet<Socket>();

const UNREADABLE = refusal('400 Bad Request', 'Unreadable HTTP');
const TOO_LATE = refusal('408 Request Timeout', 'The request did not come in time');
const TOO_LONG = refusal(
  '431 Request Header Fields Too Large',
  `The request's target and headers, cookies among them, have more than the ${maxHeaderSize} bytes that they may have`,
);
const REFUSALS: Readonly<Record<string, string>> = { ERR_HTTP_REQUEST_TIMEOUT: TOO_LATE, HPE_HEADER_OVERFLOW: TOO_LONG };

function refusal(status: string, message: string): string {
  const body = JSON.stringify({ Type: 'User', message });
  const headers = ['connection: close', 'content-type: application/json', `content-length: ${body.length}`];
  return [`HTTP/1.1 ${status}`, ...headers, 'x-amzn-errortype: InvalidRequestContentException', '', body].join('\r\n');
}
