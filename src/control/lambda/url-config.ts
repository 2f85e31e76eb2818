import { HearthError } from '../../errors.ts';
import { functionArn, type FunctionUrl, type FunctionVersion, type UrlCors } from '../../model/function-version.ts';
import { functionUrl } from '../function-url.ts';
import { aliasesOf } from './aliases.ts';
import type { Input } from './model/check.ts';
import { absent, referenceOf, type LambdaDeps, type Operation, type OperationCall, type Operations } from './operation.ts';
import { pageOf } from './pages.ts';

const create: Operation = (call, deps) => {
  const target = existing(call, deps);
  const { of } = target;
  return deps.resources.inTurn(`url ${of.functionId}`, async () => {
    if (urlAt(target, deps) !== null) throw urlExists(target);
    const now = deps.clock.now();
    const url = { ...urlOf(call.input, { auth: 'NONE' }), createdAtMs: now, modifiedAtMs: now };
    await write(target, url, deps);
    const { LastModifiedTime: _, InvokeMode: mode, ...shown } = urlConfigOf(target, url, call.endpoint);
    return call.input['InvokeMode'] === undefined ? shown : { ...shown, InvokeMode: mode };
  });
};

const get: Operation = (call, deps) => {
  const target = targetOf(call, deps);
  return urlConfigOf(target, requireUrl(target, deps), call.endpoint);
};

const update: Operation = (call, deps) => {
  const target = existing(call, deps);
  return deps.resources.inTurn(`url ${target.of.functionId}`, async () => {
    const url = { ...urlOf(call.input, requireUrl(target, deps)), modifiedAtMs: deps.clock.now() };
    await write(target, url, deps);
    return urlConfigOf(target, url, call.endpoint);
  });
};

const remove: Operation = (call, deps) => {
  const target = targetOf(call, deps);
  return deps.resources.inTurn(`url ${target.of.functionId}`, async () => {
    requireUrl(target, deps);
    await write(target, null, deps);
    return null;
  });
};

const list: Operation = (call, deps) => {
  const { of } = targetOf(call, deps, NO_FUNCTION);
  const targets: Target[] = [{ of, alias: null }, ...aliasesOf(of, deps).map((a) => ({ of, alias: a.name }))];
  const all = targets.flatMap((target) => {
    const url = urlAt(target, deps);
    return url === null ? [] : [{ target, url }];
  });
  const { items, next } = pageOf(all, call.input, (u) => u.target.alias ?? '$LATEST');
  return { FunctionUrlConfigs: items.map((u) => urlConfigOf(u.target, u.url, call.endpoint)), ...next };
};

export const URL_CONFIG: Operations = {
  CreateFunctionUrlConfig: create,
  GetFunctionUrlConfig: get,
  UpdateFunctionUrlConfig: update,
  DeleteFunctionUrlConfig: remove,
  ListFunctionUrlConfigs: list,
};

interface Target {
  readonly of: FunctionVersion;
  readonly alias: string | null;
}

function targetOf(call: OperationCall, deps: LambdaDeps, missing?: string): Target {
  const { name, qualifier } = referenceOf(call, deps);
  const of = deps.registry.get(name);
  if (of === null) throw absent(missing);
  return { of, alias: qualifier };
}

const NO_FUNCTION = 'Function does not exist';

/** A function, or an alias of one, that is there. */
function existing(call: OperationCall, deps: LambdaDeps): Target {
  const target = targetOf(call, deps, NO_FUNCTION);
  if (target.alias !== null && deps.registry.alias(target.of.name, target.alias) === null) throw absent(NO_FUNCTION);
  return target;
}

function urlAt({ of, alias }: Target, deps: LambdaDeps): FunctionUrl | null {
  if (alias === null) return deps.registry.get(of.name)?.url ?? null;
  return deps.resources.get('url', `${of.functionId}/${alias}`);
}

function requireUrl(target: Target, deps: LambdaDeps): FunctionUrl {
  const url = urlAt(target, deps);
  if (url === null) throw absent();
  return url;
}

async function write({ of, alias }: Target, url: FunctionUrl | null, deps: LambdaDeps): Promise<void> {
  if (alias === null) await deps.registry.update(of.name, () => ({ url }));
  else if (url === null) await deps.resources.remove('url', `${of.functionId}/${alias}`);
  else await deps.resources.put('url', `${of.functionId}/${alias}`, url, of.functionId);
}

/** The URL as the request has it, on top of what it was. */
function urlOf(input: Input, present: FunctionUrl): FunctionUrl {
  const cors = input['Cors'] as Input | undefined;
  return {
    ...present,
    auth: (input['AuthType'] as FunctionUrl['auth'] | undefined) ?? present.auth,
    invokeMode: (input['InvokeMode'] as FunctionUrl['invokeMode']) ?? present.invokeMode ?? 'BUFFERED',
    ...(cors === undefined ? {} : { cors: corsOf(cors) }),
  };
}

function corsOf(cors: Input): UrlCors {
  const texts = (name: string): string[] => (cors[name] as string[] | undefined) ?? [];
  return {
    allowCredentials: cors['AllowCredentials'] === true,
    allowHeaders: texts('AllowHeaders'),
    allowMethods: texts('AllowMethods'),
    allowOrigins: texts('AllowOrigins'),
    exposeHeaders: texts('ExposeHeaders'),
    maxAgeSeconds: (cors['MaxAge'] as number | undefined) ?? 0,
  };
}

function urlConfigOf({ of, alias }: Target, url: FunctionUrl, endpoint: string): Record<string, unknown> {
  const time = (ms: number | undefined): string => new Date(ms ?? of.modifiedAtMs).toISOString();
  return {
    FunctionUrl: functionUrl({ name: of.name, url }, endpoint, alias),
    FunctionArn: alias === null ? functionArn(of) : `${functionArn(of)}:${alias}`,
    AuthType: url.auth,
    ...(url.cors === undefined ? {} : { Cors: shownCors(url.cors) }),
    CreationTime: time(url.createdAtMs),
    LastModifiedTime: time(url.modifiedAtMs),
    InvokeMode: url.invokeMode ?? 'BUFFERED',
  };
}

/** Without what was left empty. */
function shownCors(cors: UrlCors): Record<string, unknown> {
  const lists = {
    AllowHeaders: cors.allowHeaders,
    AllowMethods: cors.allowMethods,
    AllowOrigins: cors.allowOrigins,
    ExposeHeaders: cors.exposeHeaders,
  };
  return {
    ...(cors.allowCredentials ? { AllowCredentials: true } : {}),
    ...Object.fromEntries(Object.entries(lists).filter(([, values]) => values.length > 0)),
    ...(cors.maxAgeSeconds === 0 ? {} : { MaxAge: cors.maxAgeSeconds }),
  };
}

function urlExists({ of, alias }: Target): HearthError {
  const arn = alias === null ? functionArn(of) : `${functionArn(of)}:${alias}`;
  const message = `Failed to create function url config for [functionArn = ${arn}]. Error message:  FunctionUrlConfig exists for this Lambda function`;
  return new HearthError('ResourceConflictException', message);
}
