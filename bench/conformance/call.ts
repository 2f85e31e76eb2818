import { signedFetch, type Reached } from '../../test/scenarios/server-credentials.ts';
import { LAMBDA, placeOf, shapeNamed } from '../../src/control/lambda/model/model.ts';

export type Params = Readonly<Record<string, unknown>>;
export type Answer = Record<string, unknown>;

/** Calls an operation of Lambda's API as a client without an SDK does, signed; the answer in the form in which AWS's Python SDK gives it. */
export async function callLambda(server: Reached, operation: string, params: Params): Promise<Answer> {
  const model = LAMBDA.operations[operation];
  if (model === undefined) throw new Error(`Lambda has no ${operation}`);
  const shape = shapeNamed(model.input ?? '');
  let [url = '', constant = ''] = model.uri.split('?');
  const query = new URLSearchParams(constant);
  const headers: Record<string, string> = {};
  const document: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(params)) {
    const member = shape.members?.[name];
    if (member === undefined) throw new Error(`${operation} has no ${name}`);
    const place = placeOf(member);
    if (place === null) document[name] = value;
    else if (place.location === 'uri') url = url.replace(`{${place.name}}`, encodeURIComponent(String(value)));
    else if (place.location === 'querystring') for (const v of [value].flat()) query.append(place.name, String(v));
    else headers[place.name] = String(value);
  }
  const payload = shape.payload === undefined ? JSON.stringify(document) : (document[shape.payload] as string | Uint8Array | undefined);
  const body = model.method === 'GET' || model.method === 'DELETE' || payload === undefined ? {} : { body: Buffer.from(payload as string) };
  if (shape.payload === undefined && 'body' in body) headers['content-type'] = 'application/json';
  const target = `${url}${query.size === 0 ? '' : `?${query.toString()}`}`;
  const response = await signedFetch(server, target, { method: model.method, headers, ...body });
  const text = await response.text();
  const metadata = { ResponseMetadata: { HTTPHeaders: {}, HTTPStatusCode: response.status } };
  const code = response.headers.get('x-amzn-errortype');
  if (code !== null) return { ...errorOf(code, text), ...metadata };
  if (operation === 'Invoke') return { ...invoked(response, text), ...metadata };
  return { ...(text === '' ? {} : (JSON.parse(text) as Answer)), ...metadata };
}

function errorOf(code: string, text: string): Answer {
  const document = JSON.parse(text) as Answer;
  const { message, Message } = document;
  const inShape = code === 'ValidationException' ? {} : document;
  return { Error: { Code: code, Message: message ?? Message }, ...inShape };
}

function invoked(response: Response, text: string): Answer {
  const header = (name: string): string | undefined => response.headers.get(name) ?? undefined;
  return {
    ExecutedVersion: header('x-amz-executed-version'),
    FunctionError: header('x-amz-function-error'),
    LogResult: header('x-amz-log-result'),
    Payload: text,
    StatusCode: response.status,
  };
}
