import { HearthError } from '../../../errors.ts';
import { refuse } from '../../function-name.ts';
import { checked, object, wrongType, type Input } from './check.ts';
import { LAMBDA, placeOf, shapeNamed, shapeOf, type ApiModel, type OperationModel, type ShapeModel } from './model.ts';

/** A request, taken apart but not looked at. */
export interface RawRequest {
  /** Members of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer | null;
}

/**
 * The members of an operation's input, from wherever they lie in the request, checked against the model. Throws ValidationException with every
 * fault, InvalidRequestContentException for a body that is none.
 */
export function readRequest(operation: OperationModel, request: RawRequest, model: ApiModel = LAMBDA): Input {
  if (operation.input === undefined) return {};
  const shape = shapeNamed(operation.input, model);
  const gathered: Record<string, unknown> = shape.payload === undefined ? { ...jsonBody(request.body) } : { [shape.payload]: request.body };
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    const place = placeOf(member);
    if (place === null) continue;
    const text = textsAt(place.location, place.name, request);
    const value = text === null ? null : fromText(shapeNamed(shapeOf(member), model), text, name);
    if (value === null) delete gathered[name];
    else gathered[name] = value;
  }
  const faults: string[] = [];
  const input = checked(operation.input, gathered, '', { model, faults }) as Input;
  refuse(faults);
  return input;
}

function textsAt(location: string, name: string, request: RawRequest): string[] | null {
  if (location === 'uri') return name in request.params ? [request.params[name] ?? ''] : null;
  if (location === 'querystring') return request.query.has(name) ? request.query.getAll(name) : null;
  const header = request.headers[name.toLowerCase()];
  return typeof header === 'string' ? [header] : null;
}

function fromText(shape: ShapeModel, texts: readonly string[], at: string): unknown {
  const text = texts[0] ?? '';
  switch (shape.type) {
    case 'integer':
    case 'long':
    case 'double':
      if (text.trim() === '' || !Number.isFinite(Number(text))) throw wrongType(at, 'a number');
      return Number(text);
    case 'boolean':
      return text === 'true';
    case 'list':
      return texts;
    case 'timestamp':
      return /^[\d.]+$/.test(text) ? Number(text) : text;
    case 'string':
    case 'blob':
    case 'map':
    case 'structure':
      return text;
  }
}

function jsonBody(body: Buffer | null): Input {
  if (body === null || body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new HearthError('InvalidRequestContentException', `Could not parse request body into json: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return object(value, '');
}
