import type { Artifacts, CodePackage } from '../../artifacts/artifacts.ts';
import { HearthError } from '../../errors.ts';
import type { Input } from './shapes.ts';

/** Keeps the code package that a request carries. Throws InvalidParameterValueException, as Lambda does, for what is none. */
export async function takeCode(input: Input, artifacts: Artifacts): Promise<CodePackage> {
  if ((input['ImageUri'] ?? null) !== null)
    throw new HearthError('InvalidParameterValueException', 'Hearth does not serve container images: send a zip.');
  if ((input['S3Bucket'] ?? input['S3Key'] ?? null) !== null) {
    throw new HearthError('InvalidParameterValueException', 'Hearth does not take code from S3 yet: send it as ZipFile.');
  }
  const zip = input['ZipFile'];
  if (typeof zip !== 'string') throw new HearthError('InvalidParameterValueException', 'Please provide a source for function code.');
  try {
    return await artifacts.putCode(Buffer.from(zip, 'base64'));
  } catch (error) {
    if (!(error instanceof HearthError) || error.code !== 'InvalidZipFileException') throw error;
    throw new HearthError('InvalidParameterValueException', error.message, { cause: error });
  }
}
