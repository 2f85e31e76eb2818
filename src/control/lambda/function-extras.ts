import { functionArn } from '../../model/function-version.ts';
import { runtimeVersionArn } from './configuration.ts';
import { invalid, referenceOf, text, unqualifiedFunction, type Operation, type Operations } from './operation.ts';

const getRuntimeManagementConfig: Operation = (call, deps) => {
  const reference = referenceOf(call, deps);
  const version = deps.registry.require(reference);
  const arn = `${functionArn(version)}:${reference.qualifier ?? '$LATEST'}`;
  const config = deps.resources.get('runtime-management', `${version.functionId}/${reference.qualifier ?? '$LATEST'}`);
  return { UpdateRuntimeOn: 'Auto', ...config, FunctionArn: arn };
};

const putRuntimeManagementConfig: Operation = async (call, deps) => {
  const { input } = call;
  const reference = referenceOf(call, deps);
  const version = deps.registry.require(reference);
  const [on, arn] = [text(input, 'UpdateRuntimeOn'), text(input, 'RuntimeVersionArn')];
  if (on === 'Manual' && arn === null) throw invalid('RuntimeVersionArn is required when UpdateRuntimeOn is set to Manual');
  if (on !== 'Manual' && arn !== null) throw invalid('RuntimeVersionArn can only be specified when UpdateRuntimeOn is set to Manual');
  // Hearth has one build of each runtime: the interpreter that is installed.
  if (arn !== null && arn !== runtimeVersionArn(version))
    throw invalid(`Runtime version ${arn} is not supported: there is ${runtimeVersionArn(version)}.`);
  const config = { UpdateRuntimeOn: on, ...(arn === null ? {} : { RuntimeVersionArn: arn }) };
  const qualifier = reference.qualifier ?? '$LATEST';
  await deps.resources.put('runtime-management', `${version.functionId}/${qualifier}`, config, version.functionId);
  return { ...config, FunctionArn: `${functionArn(version)}:${qualifier}` };
};

const getFunctionRecursionConfig: Operation = (call, deps) => {
  const { functionId } = unqualifiedFunction(call, deps);
  return { RecursiveLoop: deps.resources.get('recursion', `${functionId}/`)?.loop ?? 'Terminate' };
};

const putFunctionRecursionConfig: Operation = async (call, deps) => {
  const { functionId } = unqualifiedFunction(call, deps);
  const loop = String(call.input['RecursiveLoop']);
  await deps.resources.put('recursion', `${functionId}/`, { loop }, functionId);
  return { RecursiveLoop: loop };
};

const getAccountSettings: Operation = (_call, deps) => {
  const functions = deps.registry.list();
  const reserved = functions.reduce((sum, f) => sum + (f.scaling.max ?? 0), 0);
  const code = functions.flatMap((f) => deps.registry.versions(f.name)).reduce((sum, v) => sum + v.codeBytes, 0);
  const layers = deps.resources.list('layer-version').reduce((sum, l) => sum + l.document.codeBytes, 0);
  return {
    AccountLimit: {
      TotalCodeSize: 80_530_636_800,
      CodeSizeUnzipped: deps.limits.unpackedBytes,
      CodeSizeZipped: 52_428_800,
      ConcurrentExecutions: deps.limits.instances,
      UnreservedConcurrentExecutions: Math.max(0, deps.limits.instances - reserved),
    },
    AccountUsage: { TotalCodeSize: code + layers, FunctionCount: functions.length },
  };
};

export const FUNCTION_EXTRAS: Operations = {
  GetRuntimeManagementConfig: getRuntimeManagementConfig,
  PutRuntimeManagementConfig: putRuntimeManagementConfig,
  GetFunctionRecursionConfig: getFunctionRecursionConfig,
  PutFunctionRecursionConfig: putFunctionRecursionConfig,
  GetAccountSettings: getAccountSettings,
};
