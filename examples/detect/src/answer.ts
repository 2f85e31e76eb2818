import type { PictureError } from './errors.ts';
import { isUrlEvent } from './request.ts';

/** A function URL wants its body as text; who invokes the function directly gets an object. */
function respond(event: unknown, statusCode: number, body: object) {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: isUrlEvent(event) ? JSON.stringify(body) : body };
}

export const answer = (event: unknown, body: object) => respond(event, 200, body);

export const failure = (event: unknown, error: PictureError) => respond(event, error.statusCode, { error: error.message });
