import { HearthError } from '../../../errors.ts';
import { shapeNamed, shapeOf, type ApiModel, type ShapeModel } from './model.ts';

export type Input = Readonly<Record<string, unknown>>;

/** What a check goes by, and what it found. */
export interface Check {
  readonly model: ApiModel;
  /** In AWS's words. */
  readonly faults: string[];
}

/**
 * A value as its shape has it: what the shape does not name is left out, as AWS does. Faults against constraints are added to those of
 * the check. Throws InvalidRequestContentException when the value is of another type altogether.
 */
export function checked(name: string, value: unknown, at: string, check: Check): unknown {
  const { faults } = check;
  const shape = shapeNamed(name, check.model);
  switch (shape.type) {
    case 'string':
      faults.push(...constraintFaults(shape, String(typed(value, 'string', at)), at));
      return value;
    case 'integer':
    case 'long':
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrongType(at, 'an integer');
      faults.push(...rangeFaults(shape, value, at));
      return value;
    case 'double':
      if (typeof value !== 'number') throw wrongType(at, 'a number');
      faults.push(...rangeFaults(shape, value, at));
      return value;
    case 'boolean':
      return typed(value, 'boolean', at);
    case 'blob':
      return Buffer.isBuffer(value) ? value : Buffer.from(String(typed(value, 'string', at)), 'base64');
    case 'timestamp':
      return milliseconds(value, at);
    case 'list':
      return checkedList(shape, value, at, check);
    case 'map':
      return checkedMap(shape, value, at, check);
    case 'structure':
      return checkedStructure(shape, object(value, at), at, check);
  }
}

function checkedStructure(shape: ShapeModel, value: Input, at: string, check: Check): Input {
  const out: Record<string, unknown> = {};
  for (const [name, member] of membersInOrder(shape)) {
    const path = at === '' ? lowerFirst(name) : `${at}.${lowerFirst(name)}`;
    const given = Object.hasOwn(value, name) ? (value[name] ?? null) : null;
    if (given !== null) out[name] = checked(shapeOf(member), given, path, check);
    else if (shape.required?.includes(name) === true)
      check.faults.push(`Value null at '${path}' failed to satisfy constraint: Member must not be null`);
  }
  return out;
}

/** What came in the query is looked at first, as AWS was recorded to do. */
function membersInOrder(shape: ShapeModel): [string, NonNullable<ShapeModel['members']>[string]][] {
  const members = Object.entries(shape.members ?? {});
  const inQuery = ([, m]: (typeof members)[number]): boolean => typeof m !== 'string' && m.location === 'querystring';
  return [...members.filter(inQuery), ...members.filter((m) => !inQuery(m))];
}

function checkedList(shape: ShapeModel, value: unknown, at: string, check: Check): unknown[] {
  if (!Array.isArray(value)) throw wrongType(at, 'a list');
  const member = shape.member ?? '';
  const fault = (what: string): void =>
    void check.faults.push(`${valueOf(shape, `[${shown(value)}]`)} at '${at}' failed to satisfy constraint: Member must ${what}`);
  if (value.length < (shape.min ?? 0)) fault(`have length greater than or equal to ${shape.min}`);
  if (value.length > (shape.max ?? Infinity)) fault(`have length less than or equal to ${shape.max}`);
  const of = shapeNamed(member, check.model);
  // AWS names all constraints of a text in a list, whichever failed.
  if (of.type === 'string') {
    const all = value.map((v) => String(typed(v ?? '', 'string', at)));
    if (all.some((v) => constraintFaults(of, v, at).length > 0)) fault(`satisfy constraint: [${constraintsOf(of).join(', ')}]`);
    return all;
  }
  return value.map((v: unknown, i) => checked(member, v ?? {}, `${at}.${i + 1}.member`, check));
}

function checkedMap(shape: ShapeModel, value: unknown, at: string, check: Check): Record<string, unknown> {
  const entries = Object.entries(object(value, at)).filter(([, v]) => v !== null);
  const keys = shapeNamed(shape.key ?? '', check.model);
  if (entries.some(([key]) => constraintFaults(keys, key, at).length > 0)) {
    const text = `{${entries.map(([k, v]) => `${k}=${String(v)}`).join(', ')}}`;
    check.faults.push(
      `${valueOf(shape, text)} at '${at}' failed to satisfy constraint: Map keys must satisfy constraint: [${constraintsOf(keys).join(', ')}]`,
    );
  }
  return Object.fromEntries(entries.map(([key, v]) => [key, checked(shape.value ?? '', v, `${at}.${key}.member`, check)]));
}

/** How a fault names a value: not what it is, as on AWS, where that is for nobody's eyes. */
function valueOf({ sensitive }: ShapeModel, text: string): string {
  return sensitive === true ? 'Value' : `Value '${text}'`;
}

/** The faults of a text against its shape's constraints. */
export function constraintFaults(shape: ShapeModel, value: string, at: string): string[] {
  const faults: string[] = [];
  const fault = (what: string): void =>
    void faults.push(`${valueOf(shape, value)} at '${at}' failed to satisfy constraint: Member must ${what}`);
  if (value.length > (shape.max ?? Infinity)) fault(`have length less than or equal to ${shape.max}`);
  if (value.length < (shape.min ?? 0)) fault(`have length greater than or equal to ${shape.min}`);
  const long = value.length > (shape.max ?? Infinity) + MOST_OVER;
  if (shape.pattern !== undefined && !long && !pattern(shape.pattern).test(value))
    fault(`satisfy regular expression pattern: ${shape.pattern}`);
  if (shape.enum !== undefined && !shape.enum.includes(value)) fault(`satisfy enum value set: [${shape.enum.join(', ')}]`);
  return faults;
}

function constraintsOf(shape: ShapeModel): string[] {
  return [
    shape.max === undefined ? [] : [`Member must have length less than or equal to ${shape.max}`],
    shape.min === undefined ? [] : [`Member must have length greater than or equal to ${shape.min}`],
    shape.pattern === undefined ? [] : [`Member must satisfy regular expression pattern: ${shape.pattern}`],
    shape.enum === undefined ? [] : [`Member must satisfy enum value set: [${shape.enum.join(', ')}]`],
    ['Member must not be null'],
  ].flat();
}

function rangeFaults(shape: ShapeModel, value: number, at: string): string[] {
  const faults: string[] = [];
  const fault = (what: string): void =>
    void faults.push(`Value '${value}' at '${at}' failed to satisfy constraint: Member must have value ${what}`);
  if (value < (shape.min ?? -Infinity)) fault(`greater than or equal to ${shape.min}`);
  if (value > (shape.max ?? Infinity)) fault(`less than or equal to ${shape.max}`);
  return faults;
}

/** AWS was recorded to name the pattern of a text that is too long, too; of what is longer by more characters than these the length says enough. */
const MOST_OVER = 1024;

/** Patterns of AWS's that try every way to divide a text before they refuse it, with what takes the same texts in one pass. */
const IN_ONE_PASS: Readonly<Record<string, string>> = {
  '^[ \\t]*[\\x20-\\x7E]+([ \\t]+[\\x20-\\x7E]+)*[ \\t]*$': '^\\t*[\\x20-\\x7E][\\t\\x20-\\x7E]*$',
};

const patterns = new Map<string, RegExp>();

function pattern(source: string): RegExp {
  let made = patterns.get(source);
  // Java's classes of characters (`\p{L}`) are JavaScript's only in Unicode mode; which refuses escapes that other patterns have.
  const flags = source.includes(String.raw`\p{`) ? 'u' : '';
  if (made === undefined) patterns.set(source, (made = new RegExp(`^(?:${IN_ONE_PASS[source] ?? source})$`, flags)));
  return made;
}

/** Of what there is a date at all. */
const MOST_MS = 8.64e15;

/** Seconds since the epoch or ISO 8601, to milliseconds. */
function milliseconds(value: unknown, at: string): number {
  const ms = typeof value === 'number' ? value * 1000 : typeof value === 'string' ? Date.parse(value) : NaN;
  if (!(Math.abs(ms) <= MOST_MS)) throw wrongType(at, 'a time');
  return ms;
}

function shown(values: readonly unknown[]): string {
  return values.map((v) => (typeof v === 'string' || typeof v === 'number' ? String(v) : JSON.stringify(v))).join(', ');
}

function typed(value: unknown, type: 'string' | 'boolean', at: string): unknown {
  if (typeof value !== type) throw wrongType(at, `a ${type}`);
  return value;
}

export function object(value: unknown, at: string): Input {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw wrongType(at, 'an object');
  return value as Input;
}

export function wrongType(at: string, wanted: string): HearthError {
  return new HearthError(
    'InvalidRequestContentException',
    `Could not parse request body into json: ${at === '' ? 'the body' : `'${at}'`} must be ${wanted}`,
  );
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
