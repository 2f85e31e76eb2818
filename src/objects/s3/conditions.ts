import { HearthError } from '../../errors.ts';
import type { ObjectVersion } from '../model.ts';
import type { Precondition } from '../object-index.ts';
import { header, type S3Request } from './request.ts';

export type Verdict = 'proceed' | 'not-modified';

type Dated = Pick<ObjectVersion, 'etag' | 'modifiedAtMs'>;

/** The four conditions on a read. `value` gives a header by the name it has without the prefix of a copy's source. Throws PreconditionFailed. */
export function readCondition(value: (name: string) => string | undefined, version: Dated): Verdict {
  const match = value('if-match');
  const noneMatch = value('if-none-match');
  const modified = dateOf(value('if-modified-since'));
  const unmodified = dateOf(value('if-unmodified-since'));
  const seconds = Math.floor(version.modifiedAtMs / 1000) * 1000;
  if (match !== undefined && !names(match, version.etag)) throw failed('If-Match');
  // An ETag is the stronger word: where it holds, dates are not asked.
  if (match === undefined && unmodified !== null && seconds > unmodified) throw failed('If-Unmodified-Since');
  if (noneMatch !== undefined) return names(noneMatch, version.etag) ? 'not-modified' : 'proceed';
  return modified !== null && seconds <= modified ? 'not-modified' : 'proceed';
}

/** The conditions on the source of a copy: here a source that is not modified is an error too. */
export function copyCondition(r: S3Request, version: Dated): void {
  const verdict = readCondition((name) => header(r, `x-amz-copy-source-${name}`), version);
  if (verdict === 'not-modified') throw failed('x-amz-copy-source-If-None-Match');
}

/** The conditions on what a write replaces. */
export function writeCondition(r: S3Request): Precondition {
  const match = header(r, 'if-match');
  const noneMatch = header(r, 'if-none-match');
  if (noneMatch !== undefined && noneMatch !== '*') {
    throw new HearthError('NotImplemented', 'A header you provided implies functionality that is not implemented', {
      details: { Header: 'If-None-Match', additionalMessage: 'We don’t accept the provided value of If-None-Match header for this API' },
    });
  }
  return (present) => {
    if (noneMatch !== undefined && present !== null) throw failed('If-None-Match');
    if (match === undefined) return;
    if (present === null) throw new HearthError('NoSuchKey', 'The specified key does not exist.', { details: { Key: r.key ?? '' } });
    if (!names(match, present.etag)) throw failed('If-Match');
  };
}

/** Whether a list of ETags, quoted or not, has this one, or is `*`. */
export function names(list: string, etag: string): boolean {
  return list.split(',').some((item) => {
    const text = item.trim().replace(/^W\//, '').replaceAll(/^"|"$/g, '');
    return text === '*' || text === etag;
  });
}

export function failed(condition: string): HearthError {
  return new HearthError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    details: { Condition: condition },
  });
}

/** A date that can't be read is not asked for, as HTTP has it. */
function dateOf(text: string | undefined): number | null {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? null : at;
}
