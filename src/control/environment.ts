import { HearthError } from '../errors.ts';
import { RESERVED_VARIABLES } from '../model/reserved-variables.ts';

const CANT = 'Lambda was unable to configure your environment variables because the environment variables you have provided';
const MOST_BYTES = 4096;

/** Throws InvalidParameterValueException when a function may not have these variables. */
export function checkEnvironment(variables: Readonly<Record<string, string>>): void {
  const reserved = Object.keys(variables).filter((name) => RESERVED_VARIABLES.has(name));
  if (reserved.length > 0) {
    const message = `${CANT} contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`;
    throw new HearthError('InvalidParameterValueException', message);
  }
  const measured = JSON.stringify(variables);
  if (Buffer.byteLength(measured) > MOST_BYTES) {
    throw new HearthError('InvalidParameterValueException', `${CANT} exceeded the 4KB limit. String measured: ${measured}`);
  }
}
