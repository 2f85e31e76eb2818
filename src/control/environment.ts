import { HearthError } from '../errors.ts';

const CANT = 'Lambda was unable to configure your environment variables because the environment variables you have provided';
const MOST_BYTES = 4096;

/** Names that Lambda keeps for itself. */
const RESERVED = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_DEFAULT_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_LAMBDA_RUNTIME_API',
  'AWS_REGION',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'LAMBDA_RUNTIME_DIR',
  'LAMBDA_TASK_ROOT',
]);

/** Throws InvalidParameterValueException when a function may not have these variables. */
export function checkEnvironment(variables: Readonly<Record<string, string>>): void {
  const reserved = Object.keys(variables).filter((name) => RESERVED.has(name));
  if (reserved.length > 0) {
    const message = `${CANT} contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`;
    throw new HearthError('InvalidParameterValueException', message);
  }
  const measured = JSON.stringify(variables);
  if (Buffer.byteLength(measured) > MOST_BYTES) {
    throw new HearthError('InvalidParameterValueException', `${CANT} exceeded the 4KB limit. String measured: ${measured}`);
  }
}
