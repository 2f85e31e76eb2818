import { HearthError } from '../../errors.ts';
import { EVENT_ID } from './log-events.ts';

const SHAPE = /^([fb])\/(\d+)\/s$/;

/** Where a page of GetLogEvents begins: after an event, or before one, in CloudWatch's form `f/ID/s` and `b/ID/s`. */
export interface Place {
  readonly direction: 'forward' | 'backward';
  readonly id: string;
}

export function placeText({ direction, id }: Place): string {
  return `${direction === 'forward' ? 'f' : 'b'}/${id}/s`;
}

/** Throws InvalidParameterException. */
export function placeIn(token: string): Place {
  const [, letter, id = ''] = SHAPE.exec(token) ?? [];
  if (letter === undefined || !EVENT_ID.test(id)) throw invalidToken();
  return { direction: letter === 'f' ? 'forward' : 'backward', id };
}

/** A key as a token for the page after it. */
export function keyToken(key: string): string {
  return Buffer.from(key).toString('base64url');
}

/** The key in a token that was given out. Throws InvalidParameterException. */
export function keyIn(token: string, shape: RegExp): string {
  const key = Buffer.from(token, 'base64url').toString('utf8');
  if (!shape.test(key) || keyToken(key) !== token) throw invalidToken();
  return key;
}

function invalidToken(): HearthError {
  return new HearthError('InvalidParameterException', 'The specified nextToken is invalid.');
}
