import { HearthError, unforeseen } from '../errors.ts';

/** Any throw as an error of the table: fastify's own refusals are the caller's doing, what nobody foresaw is ours. */
export function asHearthError(error: unknown, tooLarge: string): HearthError {
  if (error instanceof HearthError) return error;
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new HearthError('RequestTooLargeException', tooLarge, { cause: error });
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new HearthError('UnsupportedMediaTypeException', message ?? 'unsupported media type', { cause: error });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new HearthError('InvalidRequestContentException', message ?? 'bad request', { cause: error });
  }
  return unforeseen(error);
}
