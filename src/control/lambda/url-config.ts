import { HearthError } from '../../errors.ts';
import { functionArn, type FunctionUrl, type FunctionVersion } from '../../model/function-version.ts';
import { functionUrl } from '../function-url.ts';
import { checkBody, referenceOf, type LambdaDeps, type Operation, type OperationCall } from './operation.ts';
import type { Input, Structure } from './shapes.ts';

const PATH = '/2021-10-31/functions/:FunctionName/url';
const members = {
  AuthType: { type: 'string', enum: ['NONE', 'AWS_IAM'] },
  InvokeMode: { type: 'string', enum: ['BUFFERED', 'RESPONSE_STREAM'] },
  Cors: { type: 'structure', members: {} },
} as const;
const CREATE: Structure = { type: 'structure', required: ['AuthType'], members };
const UPDATE: Structure = { type: 'structure', members };

export const createFunctionUrlConfig: Operation = {
  name: 'CreateFunctionUrlConfig',
  method: 'POST',
  path: PATH,
  status: 201,
  async run(call, deps) {
    const url = urlOf(CREATE, call.body);
    const reference = referenceOf(call, deps);
    if (reference.qualifier !== null) {
      throw new HearthError('ResourceNotFoundException', 'The resource you requested does not exist.'); // there are no aliases to have one
    }
    const present = deps.registry.get(reference.name);
    if (present === null) throw new HearthError('ResourceNotFoundException', 'Function does not exist');
    const version = await deps.registry.update(reference.name, (f) => {
      if (f.url !== null) throw urlExists(f);
      return { url };
    });
    const { LastModifiedTime: _, ...answer } = urlConfigOf(version, call.endpoint);
    return answer;
  },
};

export const getFunctionUrlConfig: Operation = {
  name: 'GetFunctionUrlConfig',
  method: 'GET',
  path: PATH,
  status: 200,
  run: (call, deps) => urlConfigOf(withUrl(call, deps), call.endpoint),
};

export const updateFunctionUrlConfig: Operation = {
  name: 'UpdateFunctionUrlConfig',
  method: 'PUT',
  path: PATH,
  status: 200,
  async run(call, deps) {
    const present = withUrl(call, deps);
    const url = urlOf(UPDATE, call.body, present.url?.auth);
    return urlConfigOf(await deps.registry.update(present.name, () => ({ url })), call.endpoint);
  },
};

export const deleteFunctionUrlConfig: Operation = {
  name: 'DeleteFunctionUrlConfig',
  method: 'DELETE',
  path: PATH,
  status: 204,
  async run(call, deps) {
    await deps.registry.update(withUrl(call, deps).name, () => ({ url: null }));
    return undefined;
  },
};

export const listFunctionUrlConfigs: Operation = {
  name: 'ListFunctionUrlConfigs',
  method: 'GET',
  path: '/2021-10-31/functions/:FunctionName/urls',
  status: 200,
  run(call, deps) {
    const version = deps.registry.require({ ...referenceOf(call, deps), qualifier: null });
    return { FunctionUrlConfigs: version.url === null ? [] : [urlConfigOf(version, call.endpoint)] };
  },
};

function urlOf(shape: Structure, body: Input, present: FunctionUrl['auth'] = 'NONE'): FunctionUrl {
  checkBody(shape, body);
  if (body['InvokeMode'] === 'RESPONSE_STREAM')
    throw new HearthError('InvalidParameterValueException', 'Hearth does not serve InvokeMode RESPONSE_STREAM yet: use BUFFERED.');
  if (Object.keys(body['Cors'] ?? {}).length > 0) {
    throw new HearthError(
      'InvalidParameterValueException',
      'Hearth does not serve Cors yet: leave it out, and let the function answer with the headers.',
    );
  }
  return { auth: (body['AuthType'] as FunctionUrl['auth'] | undefined | null) ?? present };
}

function withUrl(call: OperationCall, deps: LambdaDeps): FunctionVersion {
  const { name, qualifier } = referenceOf(call, deps);
  const version = qualifier === null ? deps.registry.get(name) : null;
  if (version === null || version.url === null)
    throw new HearthError('ResourceNotFoundException', 'The resource you requested does not exist.');
  return version;
}

function urlConfigOf(version: FunctionVersion, endpoint: string): Record<string, unknown> {
  const time = new Date(version.modifiedAtMs).toISOString();
  return {
    FunctionUrl: functionUrl(version, endpoint),
    FunctionArn: functionArn(version),
    AuthType: version.url?.auth,
    CreationTime: time,
    LastModifiedTime: time,
    InvokeMode: 'BUFFERED',
  };
}

function urlExists(version: FunctionVersion): HearthError {
  const message = `Failed to create function url config for [functionArn = ${functionArn(version)}]. Error message:  FunctionUrlConfig exists for this Lambda function`;
  return new HearthError('ResourceConflictException', message);
}
