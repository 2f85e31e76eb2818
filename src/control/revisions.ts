import { createHash } from 'node:crypto';

/** An id that is always the same for the same text, in the form of a UUID. */
export function derivedId(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/**
 * Lambda's RevisionId changes once more when a function that was created or changed becomes active. Here it is active at once, so the answer to
 * the change carries this id and every later one the revision's own; either is taken where a request names a revision.
 */
export function pendingRevision(revisionId: string): string {
  return derivedId(`pending ${revisionId}`);
}

/** Whether a request means this revision. */
export function isRevision(given: string, present: string): boolean {
  return given === present || given === pendingRevision(present);
}
