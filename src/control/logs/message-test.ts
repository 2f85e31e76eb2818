import { HearthError } from '../../errors.ts';

/** Whether a message fits. */
export type MessageTest = (message: string) => boolean;

/** What is wrong with a filter pattern, in a sentence. */
export function invalidPattern(what: string): HearthError {
  return new HearthError('InvalidParameterException', `Invalid filter pattern: ${what}`);
}
