import { HearthError } from '../../errors.ts';
import { textFaults } from '../function-name.ts';

/** A shape in the language of Lambda's API model, as far as it is needed to check what comes in. */
export type Shape =
  | { readonly type: 'string'; readonly min?: number; readonly max?: number; readonly pattern?: string; readonly enum?: readonly string[] }
  | { readonly type: 'integer'; readonly min?: number; readonly max?: number }
  | { readonly type: 'boolean' }
  | { readonly type: 'blob' }
  | { readonly type: 'list'; readonly member: Shape; readonly min?: number; readonly max?: number }
  | { readonly type: 'map'; readonly key: Shape; readonly value: Shape }
  | Structure;

export interface Structure {
  readonly type: 'structure';
  readonly required?: readonly string[];
  readonly members: Readonly<Record<string, Shape>>;
}

export type Input = Readonly<Record<string, unknown>>;

/**
 * The faults of a value against its shape, in Lambda's words. Unknown members are nobody's business, as in AWS. Throws
 * InvalidRequestContentException when the value is of another type altogether.
 */
export function faultsOf(shape: Shape, value: unknown, at: string): string[] {
  switch (shape.type) {
    case 'string':
      return stringFaults(shape, typed(value, 'string', at), at);
    case 'integer':
      return rangeFaults(integer(value, at), shape, at);
    case 'boolean':
      typed(value, 'boolean', at);
      return [];
    case 'blob':
      typed(value, 'string', at);
      return [];
    case 'list':
      return listFaults(shape, value, at);
    case 'map':
      return Object.entries(object(value, at)).flatMap(([k, v]) => [
        ...faultsOf(shape.key, k, at),
        ...faultsOf(shape.value, v, `${at}.${k}`),
      ]);
    case 'structure':
      return structureFaults(shape, object(value, at), at);
  }
}

function structureFaults(shape: Structure, value: Input, at: string): string[] {
  return Object.entries(shape.members).flatMap(([name, member]) => {
    const path = at === '' ? lowerFirst(name) : `${at}.${lowerFirst(name)}`;
    const given = value[name] ?? null;
    if (given !== null) return faultsOf(member, given, path);
    return shape.required?.includes(name) === true ? [`Value null at '${path}' failed to satisfy constraint: Member must not be null`] : [];
  });
}

function stringFaults(shape: Shape & { type: 'string' }, value: string, at: string): string[] {
  const constraint = { max: shape.max ?? Infinity, pattern: shape.pattern ?? '[\\s\\S]*' };
  const faults = textFaults(value, at, constraint).filter((f) => (shape.min ?? 0) > 0 || !f.includes('greater than or equal to 1'));
  if (shape.enum !== undefined && !shape.enum.includes(value)) {
    faults.push(`Value '${value}' at '${at}' failed to satisfy constraint: Member must satisfy enum value set: [${shape.enum.join(', ')}]`);
  }
  return faults;
}

function listFaults(shape: Shape & { type: 'list' }, value: unknown, at: string): string[] {
  if (!Array.isArray(value)) throw wrongType(at, 'a list');
  const count = value.length;
  const faults: string[] = [];
  if (count < (shape.min ?? 0))
    faults.push(`Value '[]' at '${at}' failed to satisfy constraint: Member must have length greater than or equal to ${shape.min}`);
  if (count > (shape.max ?? Infinity))
    faults.push(
      `Value '[${value.join(', ')}]' at '${at}' failed to satisfy constraint: Member must have length less than or equal to ${shape.max}`,
    );
  return [...faults, ...value.flatMap((v, i) => faultsOf(shape.member, v, `${at}.${i + 1}.member`))];
}

function rangeFaults(value: number, shape: { readonly min?: number; readonly max?: number }, at: string): string[] {
  const faults: string[] = [];
  const fault = (what: string): void =>
    void faults.push(`Value '${value}' at '${at}' failed to satisfy constraint: Member must have value ${what}`);
  if (value < (shape.min ?? -Infinity)) fault(`greater than or equal to ${shape.min}`);
  if (value > (shape.max ?? Infinity)) fault(`less than or equal to ${shape.max}`);
  return faults;
}

function typed<T extends 'string' | 'boolean'>(value: unknown, type: T, at: string): T extends 'string' ? string : boolean {
  if (typeof value !== type) throw wrongType(at, `a ${type}`);
  return value as T extends 'string' ? string : boolean;
}

function integer(value: unknown, at: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrongType(at, 'an integer');
  return value;
}

export function object(value: unknown, at: string): Input {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw wrongType(at, 'an object');
  return value as Input;
}

function wrongType(at: string, wanted: string): HearthError {
  return new HearthError(
    'InvalidRequestContentException',
    `Could not parse request body into json: ${at === '' ? 'the body' : `'${at}'`} must be ${wanted}`,
  );
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
