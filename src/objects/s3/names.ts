import { HearthError } from '../../errors.ts';

const NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$/;
/** Paths that lead elsewhere on the one endpoint: a bucket of such a name could not be reached by path. */
const TAKEN = /^(hearth|healthz|metrics|\d{4}-\d{2}-\d{2})$/;

/** Throws InvalidBucketName for what S3 would not take, or what is a path of Hearth's own. */
export function checkBucketName(name: string): void {
  const fits = NAME.test(name) && !name.includes('..') && !ADDRESS.test(name) && !name.startsWith('xn--');
  if (fits && !TAKEN.test(name)) return;
  const why = fits ? ': it is a path of Hearth itself' : '';
  throw new HearthError('InvalidBucketName', `The specified bucket is not valid${why}.`, { details: { BucketName: name } });
}
