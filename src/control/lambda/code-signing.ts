import { HearthError } from '../../errors.ts';
import { functionArn } from '../../model/function-version.ts';
import type { Input } from './model/check.ts';
import {
  absent,
  functionOf,
  referenceOf,
  text,
  type LambdaDeps,
  type Operation,
  type OperationCall,
  type Operations,
} from './operation.ts';
import { pageOf } from './pages.ts';

const create: Operation = async ({ input }, deps) => {
  const id = `csc-${deps.ids.uuid().replaceAll('-', '').slice(0, 17)}`;
  const { region, accountId } = deps.registry.scope;
  const arn = `arn:aws:lambda:${region}:${accountId}:code-signing-config:${id}`;
  const config = {
    CodeSigningConfigId: id,
    CodeSigningConfigArn: arn,
    CodeSigningPolicies: { UntrustedArtifactOnDeployment: 'Warn' },
    ...input,
    LastModified: now(deps),
  };
  return { CodeSigningConfig: await deps.resources.put('code-signing', arn, config, null) };
};

const update: Operation = (call, deps) =>
  deps.resources.inTurn('code-signing', async () => {
    const config = { ...configOf(call, deps), ...call.input, LastModified: now(deps) };
    return { CodeSigningConfig: await deps.resources.put('code-signing', String(call.input['CodeSigningConfigArn']), config, null) };
  });

const get: Operation = (call, deps) => ({ CodeSigningConfig: configOf(call, deps) });

const remove: Operation = (call, deps) =>
  deps.resources.inTurn('code-signing', async () => {
    configOf(call, deps);
    const arn = String(call.input['CodeSigningConfigArn']);
    const users = usersOf(arn, deps);
    if (users.length > 0) {
      throw new HearthError(
        'ResourceConflictException',
        `The CodeSigningConfig ${arn} cannot be deleted: functions use it: ${users.join(', ')}.`,
      );
    }
    await deps.resources.remove('code-signing', arn);
    return null;
  });

const list: Operation = ({ input }, deps) => {
  const { items, next } = pageOf(deps.resources.list('code-signing'), input, (c) => c.key);
  return { CodeSigningConfigs: items.map((c) => c.document), ...next };
};

const listFunctions: Operation = (call, deps) => {
  configOf(call, deps);
  const arns = usersOf(String(call.input['CodeSigningConfigArn']), deps);
  const { items, next } = pageOf(arns, call.input, (arn) => arn);
  return { FunctionArns: items, ...next };
};

const ofFunction: Operation = (call, deps) => {
  const version = deps.registry.require(referenceOf(call, deps));
  const arn = deps.resources.get('function-code-signing', `${version.functionId}/`)?.arn;
  return { ...(arn === undefined ? {} : { CodeSigningConfigArn: arn }), FunctionName: version.name };
};

const putOnFunction: Operation = (call, deps) =>
  deps.resources.inTurn('code-signing', async () => {
    if (configAt(call, deps) === null) {
      throw new HearthError(
        'CodeSigningConfigNotFoundException',
        `The code signing configuration cannot be found. Check that the provided configuration is not deleted: ${arnIn(call)}.`,
      );
    }
    const { functionId, name } = functionOf(call, deps);
    const arn = String(call.input['CodeSigningConfigArn']);
    await deps.resources.put('function-code-signing', `${functionId}/`, { arn }, functionId);
    return { CodeSigningConfigArn: arn, FunctionName: name };
  });

const removeFromFunction: Operation = async (call, deps) => {
  await deps.resources.remove('function-code-signing', `${functionOf(call, deps).functionId}/`);
  return null;
};

/** Kept and given back; Hearth checks no signatures, which the guide says. */
export const CODE_SIGNING: Operations = {
  CreateCodeSigningConfig: create,
  UpdateCodeSigningConfig: update,
  GetCodeSigningConfig: get,
  DeleteCodeSigningConfig: remove,
  ListCodeSigningConfigs: list,
  ListFunctionsByCodeSigningConfig: listFunctions,
  GetFunctionCodeSigningConfig: ofFunction,
  PutFunctionCodeSigningConfig: putOnFunction,
  DeleteFunctionCodeSigningConfig: removeFromFunction,
};

function configOf(call: OperationCall, deps: LambdaDeps): Input {
  const config = configAt(call, deps);
  if (config === null) throw absent(`The Lambda code signing configuration ${arnIn(call)} can not be found.`);
  return config;
}

function configAt(call: OperationCall, deps: LambdaDeps): Input | null {
  return deps.resources.get('code-signing', arnIn(call));
}

function arnIn({ input }: OperationCall): string {
  return text(input, 'CodeSigningConfigArn') ?? '';
}

function usersOf(arn: string, deps: LambdaDeps): string[] {
  const users = deps.registry.list().filter((f) => deps.resources.get('function-code-signing', `${f.functionId}/`)?.arn === arn);
  return users.map((f) => functionArn(f));
}

function now(deps: LambdaDeps): string {
  return new Date(deps.clock.now()).toISOString().replace('Z', '+0000');
}
