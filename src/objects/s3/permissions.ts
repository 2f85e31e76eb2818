import { HearthError } from '../../errors.ts';
import { header, type S3Request } from './request.ts';

/** What is acted on: an object, a bucket, or all of them. */
interface On {
  readonly bucket: string | null;
  readonly key: string | null;
}

/** Actions that are others where a version is named: `s3:GetObjectVersion`, `s3:GetObjectVersionTagging`. */
const VERSIONED = /^(Get|Delete)Object|^PutObject(Tagging|Acl)$/;

/** Throws AccessDenied unless whoever sent a request may do this, as IAM names it without `s3:`. */
export function permit(r: S3Request, action: string, on: On): void {
  const why = r.caller.refusal(`s3:${action}`, arnOf(on));
  if (why !== null) throw new HearthError('AccessDenied', why);
}

/** The action on an object as it is called for one version of it. */
export function versioned(action: string, versionId: string | null): string {
  return versionId !== null && VERSIONED.test(action) ? action.replace('Object', 'ObjectVersion') : action;
}

/** Throws AccessDenied unless whoever sent a request may do all that it asks for. What it copies from is asked where it is read. */
export function permitAll(r: S3Request, action: string): void {
  const versionId = r.query.get('versionId') ?? null;
  permit(r, versioned(action, versionId), r);
  if (action === 'GetObjectAttributes') permit(r, versioned('GetObject', versionId), r);
  if (action === 'PutObject' && header(r, 'x-amz-tagging') !== undefined) permit(r, 'PutObjectTagging', r);
}

/** The error of a request as its sender may know it: who may not list a bucket is not told what is not in it, as on S3. */
export function tellable(r: S3Request, error: unknown): unknown {
  if (!(error instanceof HearthError) || error.code !== 'NoSuchKey' || r.bucket === null) return error;
  const why = r.caller.refusal('s3:ListBucket', arnOf({ bucket: r.bucket, key: null }));
  return why === null ? error : new HearthError('AccessDenied', why, { cause: error });
}

function arnOf({ bucket, key }: On): string {
  return `arn:aws:s3:::${bucket ?? '*'}${key === null ? '' : `/${key}`}`;
}
