import { LAMBDA, placeOf, shapeNamed, shapeOf, type ApiModel, type OperationModel } from './model.ts';

/** What an operation answers: a status, headers beside the usual, and a document; null: no body. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly document: unknown;
}

/** Puts what an operation returned into the form that the model gives its answer. `result` null: an answer without body. */
export function replyOf(operation: OperationModel, result: Readonly<Record<string, unknown>> | null, model: ApiModel = LAMBDA): Reply {
  if (result === null || operation.output === undefined) return { status: operation.status, headers: {}, document: null };
  const shape = shapeNamed(operation.output, model);
  const headers: Record<string, string> = {};
  let status = operation.status;
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    const place = placeOf(member);
    const value = result[name] as string | number | undefined;
    if (place === null || value === undefined) continue;
    if (place.location === 'statusCode') status = Number(value);
    else headers[place.name.toLowerCase()] = String(value);
  }
  const document = written(operation.output, result, model);
  return { status, headers, document: status === 204 ? null : document };
}

/** A value in the form of its shape: members in the model's order, none that it does not have, times in seconds. */
function written(name: string, value: unknown, model: ApiModel): unknown {
  if (value === null || value === undefined) return undefined;
  const shape = shapeNamed(name, model);
  switch (shape.type) {
    case 'structure': {
      const from = value as Readonly<Record<string, unknown>>;
      const inBody = Object.entries(shape.members ?? {}).filter(([, m]) => placeOf(m) === null);
      return Object.fromEntries(inBody.map(([n, m]) => [n, written(shapeOf(m), from[n], model)]).filter(([, v]) => v !== undefined));
    }
    case 'list':
      return (value as readonly unknown[]).map((v) => written(shape.member ?? '', v, model));
    case 'map':
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, written(shape.value ?? '', v, model)]));
    case 'timestamp':
      return Number(value) / 1000;
    case 'blob':
      return Buffer.isBuffer(value) ? value.toString('base64') : value;
    case 'string':
    case 'integer':
    case 'long':
    case 'double':
    case 'boolean':
      return value;
  }
}
