import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { HearthError } from '../../errors.ts';
import { sendBody } from '../../lib/send-body.ts';
import { BlobGone } from '../blobs.ts';
import { bareDocument, type XmlElement } from './xml.ts';

type Headers = Readonly<Record<string, string | number | undefined>>;

/** What an operation answers. */
export interface S3Answer {
  readonly status: number;
  readonly headers?: Headers;
  /** A document, or content that is streamed. */
  readonly body?: string | { readonly chunks: AsyncIterable<Buffer>; readonly length: number; release(): void };
}

/** Sends an answer; resolves when it is out or the client has gone. Throws BlobGone while nothing was sent yet. */
export async function send(
  response: ServerResponse,
  answer: S3Answer,
  o: { requestId: string; head: boolean; extra?: Headers },
): Promise<void> {
  const headers: Record<string, string | number> = { 'x-amz-request-id': o.requestId, 'x-amz-id-2': o.requestId };
  for (const [name, value] of Object.entries({ ...answer.headers, ...o.extra })) if (value !== undefined) headers[name] = value;
  const { body } = answer;
  if (typeof body === 'object') return stream(response, answer.status, headers, { body, head: o.head });
  const bytes = body === undefined ? null : Buffer.from(body);
  if (bytes !== null) {
    headers['content-type'] ??= 'application/xml';
    headers['content-length'] = bytes.length;
  } else if (answer.status !== 204 && answer.status !== 304 && headers['content-length'] === undefined) headers['content-length'] = 0;
  sendBody(response, answer.status, { headers, body: o.head ? undefined : (bytes ?? undefined) });
}

async function stream(
  response: ServerResponse,
  status: number,
  headers: Record<string, string | number>,
  { body, head }: { body: Exclude<S3Answer['body'], string | undefined>; head: boolean },
): Promise<void> {
  headers['content-length'] = body.length;
  try {
    if (head || body.length === 0) {
      response.writeHead(status, headers);
      response.end();
      return;
    }
    const chunks = body.chunks[Symbol.asyncIterator]();
    const first = await chunks.next();
    response.writeHead(status, headers);
    await pipeline(rest(first, chunks), response).catch((error: unknown) => {
      // Once the head is out, a shorter body is the only way to say that something went wrong.
      response.destroy();
      if (!isGone(error)) throw error;
    });
  } finally {
    body.release();
  }
}

async function* rest(first: IteratorResult<Buffer>, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  for (let next = first; next.done !== true; next = await chunks.next()) yield next.value;
}

/** Whether an error only says that the client has left. */
function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED';
}

/** An error of S3 for whatever was thrown. */
export function asS3Error(error: unknown): HearthError {
  // It is there, and was replaced whenever it was about to be read: SDKs try again.
  if (error instanceof BlobGone) return new HearthError('SlowDown', 'Please reduce your request rate.', { cause: error });
  if (!(error instanceof HearthError)) {
    return new HearthError('InternalError', 'We encountered an internal error. Please try again.', { cause: error });
  }
  if (error.code === 'ServiceException') return new HearthError('InternalError', error.message, { cause: error });
  if (error.code === 'InvalidParameterValueException') return new HearthError('InvalidArgument', error.message, { cause: error });
  return error;
}

export function sendError(response: ServerResponse, error: HearthError, o: { requestId: string; head: boolean; extra?: Headers }): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = bareDocument('Error', {
    Code: error.code,
    Message: error.message,
    ...(error.details as XmlElement),
    RequestId: o.requestId,
    HostId: o.requestId,
  });
  const marker = error.details['DeleteMarker'] === true ? { 'x-amz-delete-marker': 'true' } : {};
  const headers = { ...o.extra, ...marker };
  // What can't be sent is cut: nobody is left to tell.
  send(response, { status: error.status, headers, ...(o.head ? {} : { body }) }, o).catch(() => response.destroy());
}
