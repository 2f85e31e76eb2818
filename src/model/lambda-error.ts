import type { HearthError } from '../errors.ts';

/** Errors whose text Lambda's model calls `Message`; of the others it is `message`. */
const CAPITAL = new Set<string>([
  'CodeSigningConfigNotFoundException',
  'ResourceNotFoundException',
  'ServiceException',
  'InvalidZipFileException',
  'AccessDeniedException',
  'RecursiveInvocationException',
  'SnapStartNotReadyException',
]);

/** Headers and document of an error, as Lambda's API answers it. A detail that is null is a member that Lambda leaves out here. */
export function lambdaError(error: HearthError): { headers: Record<string, string>; document: Record<string, unknown> } {
  const text = CAPITAL.has(error.code) ? { Message: error.message } : { message: error.message };
  // What fails the model's own constraints never reached Lambda proper, which is what adds the type.
  const type = error.code === 'ValidationException' ? {} : { Type: error.fault === 'platform' ? 'Service' : 'User' };
  const document: Record<string, unknown> = { ...type, ...text, ...error.details };
  for (const [name, value] of Object.entries(error.details)) if (value === null) delete document[name];
  return { headers: { 'x-amzn-errortype': error.code }, document };
}
