import { HearthError } from '../errors.ts';

/** SQLSTATE of a unique key that is taken. */
const UNIQUE_VIOLATION = '23505';
/** SQLSTATE of a row that refers to one that is not there. */
const FOREIGN_KEY_VIOLATION = '23503';

/** Data exceptions; a null where none may be; a check that fails. */
const UNFIT = /^(22...|23502|23514)$/;

/** What `pg` says, without a code, when a connection is not there (any more). */
const LOST =
  /connection (terminated|ended|timeout)|timeout (exceeded|expired)|client has encountered a connection error|not queryable|pool after calling end/i;

const SYSTEM_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EACCES',
  // Ours: no file, or no place in the server's backlog, is left for another connection at this moment.
  'EMFILE',
  'ENFILE',
  'EAGAIN',
  'ENETDOWN',
  'EHOSTDOWN',
  'EADDRNOTAVAIL',
]);

/**
 * The HearthError for what a query threw: ServiceUnavailable when the database can't be reached or can't take
 * the work now (a later attempt may succeed), InvalidParameterValueException when it can't hold a value, and
 * ServiceException for the rest. A HearthError is returned as it is.
 */
export function databaseError(error: unknown): HearthError {
  if (error instanceof HearthError) return error;
  if (isUnavailable(error)) {
    return new HearthError(
      'ServiceUnavailable',
      `The database is not available: ${messageOf(error)}. Try again; if it stays away, see the server's log.`,
      { cause: error },
    );
  }
  if (UNFIT.test(codeOf(error))) {
    return new HearthError('InvalidParameterValueException', `The database can't hold a value: ${messageOf(error)}`, { cause: error });
  }
  return new HearthError('ServiceException', `The database refused a query: ${messageOf(error)}`, { cause: error });
}

/** Runs a query and throws nothing but HearthErrors. */
export async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw databaseError(error);
  }
}

export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === UNIQUE_VIOLATION;
}

export function isForeignKeyViolation(error: unknown): boolean {
  return codeOf(error) === FOREIGN_KEY_VIOLATION;
}

/** Connection exceptions, transaction rollbacks, insufficient resources, operator intervention, I/O errors; and no connection at all. */
export function isUnavailable(error: unknown): boolean {
  const code = codeOf(error);
  return /^(08|40|53|57|58)/.test(code) || code === '25006' || SYSTEM_ERRORS.has(code) || (code === '' && LOST.test(messageOf(error)));
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map((e) => messageOf(e)).join('; ');
  return error instanceof Error ? error.message : String(error);
}
