import { parseDestination } from '../../model/destination.ts';
import { DEFAULT_BUS } from '../../model/event-rule.ts';
import { functionArn, type FunctionVersion } from '../../model/function-version.ts';
import type { Input } from './model/check.ts';
import { absent, invalid, referenceOf, type LambdaDeps, type Operation, type OperationCall, type Operations } from './operation.ts';
import { pageOf } from './pages.ts';

const MEMBERS = ['MaximumRetryAttempts', 'MaximumEventAgeInSeconds', 'DestinationConfig'] as const;

/** Put replaces what there was; update changes what it names. */
const put: Operation = (call, deps) => write(call, deps, () => ({}));

const update: Operation = (call, deps) => {
  const present = (): Input => {
    const target = targetOf(call, deps);
    if (target === null) throw noFunction();
    const config = deps.resources.get('event-invoke-config', target.key);
    if (config === null) throw hasNone(call, deps);
    return config;
  };
  present();
  return write(call, deps, present);
};

const get: Operation = (call, deps) => {
  const target = targetOf(call, deps);
  const config = target === null ? null : deps.resources.get('event-invoke-config', target.key);
  if (target === null || config === null) throw hasNone(call, deps);
  return answer(target.of, target.qualifier, config);
};

const remove: Operation = async (call, deps) => {
  const target = targetOf(call, deps);
  const removed = target !== null && (await inTurn(target, deps, () => deps.resources.remove('event-invoke-config', target.key)));
  if (!removed) throw hasNone(call, deps);
  return null;
};

const list: Operation = (call, deps) => {
  const of = targetOf(call, deps)?.of;
  if (of === undefined) throw noFunction();
  const all = deps.resources.list('event-invoke-config', `${of.functionId}/`);
  const { items, next } = pageOf(all, call.input, (c) => c.rest);
  return { FunctionEventInvokeConfigs: items.map((c) => answer(of, c.rest, c.document)), ...next };
};

export const EVENT_INVOKE_CONFIG: Operations = {
  PutFunctionEventInvokeConfig: put,
  UpdateFunctionEventInvokeConfig: update,
  GetFunctionEventInvokeConfig: get,
  DeleteFunctionEventInvokeConfig: remove,
  ListFunctionEventInvokeConfigs: list,
};

interface Target {
  readonly of: FunctionVersion;
  readonly qualifier: string;
  readonly key: string;
}

function targetOf(call: OperationCall, deps: LambdaDeps): Target | null {
  const { name, qualifier } = referenceOf(call, deps);
  const of = deps.registry.get(name);
  const wanted = qualifier ?? '$LATEST';
  return of === null ? null : { of, qualifier: wanted, key: `${of.functionId}/${wanted}` };
}

function inTurn<T>({ key }: Target, { resources }: LambdaDeps, task: () => Promise<T>): Promise<T> {
  return resources.inTurn(`event-invoke-config ${key}`, task);
}

/** `present`: what the request goes on top of, by its turn. */
async function write(call: OperationCall, deps: LambdaDeps, present: () => Input): Promise<Record<string, unknown>> {
  const { input } = call;
  if (MEMBERS.every((name) => input[name] === undefined))
    throw invalid('You must specify at least one of error handling or destination setting.');
  const target = targetOf(call, deps);
  if (target === null || deps.registry.get(target.of.name, target.qualifier) === null) throw noFunction();
  refuseSelf(input, target);
  requireReachable(input, deps);
  const given = Object.fromEntries(MEMBERS.filter((name) => input[name] !== undefined).map((name) => [name, input[name]]));
  return inTurn(target, deps, async () => {
    const config = { ...present(), ...given, LastModified: deps.clock.now() };
    await deps.resources.put('event-invoke-config', target.key, config, target.of.functionId);
    return answer(target.of, target.qualifier, config);
  });
}

/** What can't be told would be found out when an event has ended. Throws InvalidParameterValueException. */
function requireReachable(input: Input, deps: LambdaDeps): void {
  const config = (input['DestinationConfig'] ?? {}) as DestinationConfig;
  for (const destination of destinationsIn(config)) {
    if (destination === '') continue;
    const to = parseDestination(destination);
    if (to.kind === 'table' && destination === config['OnFailure']?.Destination)
      throw invalid(`A failure has no rows to write: ${destination} can be told of successes only.`);
    const gone =
      (to.kind === 'function' && deps.registry.get(to.name, to.qualifier ?? '$LATEST') === null) ||
      (to.kind === 'queue' && deps.hasQueue?.(to.queue) === false) ||
      (to.kind === 'bucket' && deps.hasBucket?.(to.bucket) === false);
    if (gone) throw invalid(`The destination ARN ${destination} is invalid.`);
    if (to.kind === 'bus' && to.bus !== DEFAULT_BUS && deps.resources.get('event-bus', to.bus) === null)
      throw invalid(`The destination ARN ${destination} is invalid: event bus ${to.bus} does not exist.`);
  }
}

type DestinationConfig = Readonly<Record<string, { readonly Destination?: string } | undefined>>;

function destinationsIn(config: DestinationConfig): string[] {
  return [config['OnSuccess']?.Destination, config['OnFailure']?.Destination].filter((d) => d !== undefined);
}

function refuseSelf(input: Input, { of }: Target): void {
  const config = (input['DestinationConfig'] ?? {}) as DestinationConfig;
  const own = functionArn(of);
  const destinations = destinationsIn(config);
  if (destinations.some((d) => d === own || d.startsWith(`${own}:`)))
    throw invalid("You can't specify the function as a destination for itself.");
}

function noFunction(): Error {
  return absent("The function doesn't exist.");
}

function hasNone(call: OperationCall, deps: LambdaDeps): Error {
  const { name, qualifier } = referenceOf(call, deps);
  return absent(
    `The function ${functionArn({ ...deps.registry.scope, name })}:${qualifier ?? '$LATEST'} doesn't have an EventInvokeConfig`,
  );
}

function answer(of: FunctionVersion, qualifier: string, config: Input): Record<string, unknown> {
  return {
    ...config,
    DestinationConfig: { OnSuccess: {}, OnFailure: {}, ...(config['DestinationConfig'] as Input | undefined) },
    FunctionArn: `${functionArn(of)}:${qualifier}`,
  };
}
