import type { CodePackage } from '../../artifacts/artifacts.ts';
import { HearthError } from '../../errors.ts';
import type { Input } from './model/check.ts';
import { invalid, text, type LambdaDeps } from './operation.ts';

/** Lambda's limit of a zip that comes from a bucket. */
const MOST_ZIP_BYTES = 262_144_000;

/** Keeps the code package that a request carries. Throws InvalidParameterValueException, as Lambda does, for what is none. */
export async function takeCode(
  input: Input,
  deps: LambdaDeps,
  missing = 'Please provide a source for function code.',
): Promise<CodePackage> {
  if (text(input, 'ImageUri') !== null) throw invalid('Hearth does not serve container images: send a zip.');
  const zip = input['ZipFile'] as Buffer | undefined;
  if (zip === undefined && text(input, 'S3Bucket') === null && text(input, 'S3Key') === null) throw invalid(missing);
  try {
    return await deps.artifacts.putCode(zip ?? (await fromBucket(input, deps)));
  } catch (error) {
    if (!(error instanceof HearthError) || error.code !== 'InvalidZipFileException') throw error;
    throw new HearthError('InvalidParameterValueException', error.message, { cause: error });
  }
}

async function fromBucket(input: Input, { objects }: LambdaDeps): Promise<Buffer> {
  if (objects === null) throw invalid('Hearth has no object store to take code from here: send it as ZipFile.');
  const [bucket, key] = [text(input, 'S3Bucket'), text(input, 'S3Key')];
  if (bucket === null || key === null) throw invalid('Both S3Bucket and S3Key are needed to take code from a bucket.');
  return objects.read({ bucket, key, version: text(input, 'S3ObjectVersion'), maxBytes: MOST_ZIP_BYTES });
}
