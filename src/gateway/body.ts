import type { IncomingMessage } from 'node:http';
import { HearthError } from '../errors.ts';

/**
 * Reads a request's body whole. Throws RequestTooLargeException, with Lambda's text, once more than `maxBytes` came; the rest
 * is not read.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes) return Promise.reject(tooLarge(maxBytes));
  if (request.destroyed) return Promise.reject(brokenOff());
  return new Promise((resolve, reject) => {
    let first: Buffer | null = null;
    let rest: Buffer[] | null = null;
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        request.pause();
        reject(tooLarge(maxBytes));
        return;
      }
      if (first === null) first = chunk;
      else (rest ??= [first]).push(chunk);
    });
    request.on('end', () => resolve(rest === null ? (first ?? EMPTY) : Buffer.concat(rest, bytes)));
    request.on('error', (cause) => reject(brokenOff(cause)));
    request.on('close', () => {
      if (!request.complete) reject(brokenOff());
    });
  });
}

const EMPTY = Buffer.alloc(0);

function brokenOff(cause?: unknown): HearthError {
  return new HearthError('InvalidRequestContentException', 'the connection closed before the body was complete', { cause });
}

function tooLarge(maxBytes: number): HearthError {
  const message = `Request must be smaller than ${maxBytes} bytes for the InvokeFunction operation`;
  return new HearthError('RequestTooLargeException', message, { details: { Type: 'User' } });
}
