import type { HearthError } from '../../errors.ts';

/** Errors whose text Lambda's model calls `Message`; of the others it is `message`. */
const CAPITAL = new Set(['ResourceNotFoundException', 'ServiceException', 'InvalidZipFileException', 'AccessDeniedException']);

/** Headers and document of an error, as Lambda's API answers it. */
export function errorAnswer(error: HearthError): { headers: Record<string, string>; document: Record<string, unknown> } {
  const text = CAPITAL.has(error.code) ? { Message: error.message } : { message: error.message };
  // What fails the model's own constraints never reached Lambda proper, which is what adds the type.
  const type = error.code === 'ValidationException' ? {} : { Type: error.fault === 'platform' ? 'Service' : 'User' };
  return { headers: { 'x-amzn-errortype': error.code }, document: { ...type, ...text } };
}
