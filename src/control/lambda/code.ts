import type { CodePackage } from '../../artifacts/artifacts.ts';
import { HearthError } from '../../errors.ts';
import type { Input } from './model/check.ts';
import { invalid, text, type LambdaDeps, type OperationCall } from './operation.ts';

/** Lambda's limit of a zip that comes from a bucket; where more may be unpacked, it may have as much. */
const MOST_ZIP_BYTES = 262_144_000;

/** What is said to be code, and who says so. */
interface GivenCode extends Pick<OperationCall, 'caller'> {
  readonly input: Input;
}

/**
 * Keeps the code package that a request carries, or that its sender may read in a bucket. Throws InvalidParameterValueException, as Lambda does, for
 * what is none, and AccessDeniedException for an object that is not the sender's to read.
 */
export async function takeCode(
  { input, caller }: GivenCode,
  deps: LambdaDeps,
  missing = 'Please provide a source for function code.',
): Promise<CodePackage> {
  if (text(input, 'ImageUri') !== null) throw invalid('Hearth does not serve container images: send a zip.');
  const zip = input['ZipFile'] as Buffer | undefined;
  if (zip === undefined && text(input, 'S3Bucket') === null && text(input, 'S3Key') === null) throw invalid(missing);
  try {
    return await deps.artifacts.putCode(zip ?? (await fromBucket({ input, caller }, deps)));
  } catch (error) {
    if (!(error instanceof HearthError) || error.code !== 'InvalidZipFileException') throw error;
    throw new HearthError('InvalidParameterValueException', error.message, { cause: error });
  }
}

async function fromBucket({ input, caller }: GivenCode, { objects, limits }: LambdaDeps): Promise<Buffer> {
  if (objects === null) throw invalid('Hearth has no object store to take code from here: send it as ZipFile.');
  const [bucket, key] = [text(input, 'S3Bucket'), text(input, 'S3Key')];
  if (bucket === null || key === null) throw invalid('Both S3Bucket and S3Key are needed to take code from a bucket.');
  const version = text(input, 'S3ObjectVersion');
  const refused = caller.refusal(version === null ? 's3:GetObject' : 's3:GetObjectVersion', `arn:aws:s3:::${bucket}/${key}`);
  if (refused !== null)
    throw new HearthError(
      'AccessDeniedException',
      `Your access has been denied by S3, please make sure your request credentials have permission to GetObject for ${bucket}/${key}. S3 Error Code: AccessDenied. S3 Error Message: ${refused}`,
    );
  return objects.read({ bucket, key, version, maxBytes: Math.max(MOST_ZIP_BYTES, limits.unpackedBytes) });
}
