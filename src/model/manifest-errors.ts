import { z } from 'zod';
import { HearthError } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';

interface JsonSchema {
  readonly properties?: Record<string, JsonSchema>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly description?: string;
}

/** Parses, or throws InvalidParameterValueException with a line per fault: its path, what is wrong, what was likely meant. */
export function explain<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.flatMap((issue) => describe(issue, schema, value));
  throw new HearthError('InvalidParameterValueException', lines.join('\n'), { details: { faults: lines } });
}

function describe(issue: z.core.$ZodIssue, schema: z.ZodType, value: unknown): string[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => {
      const meant = nearest(key, known);
      const hint = meant === null ? `known keys: ${known.join(', ')}` : `did you mean ${meant}?`;
      return `${pathText([...issue.path, key])}: unknown key; ${hint}`;
    });
  }
  if (issue.code === 'invalid_key') return [`${pathText(issue.path)}: ${issue.issues[0]?.message ?? issue.message}`];
  const given = valueAt(value, issue.path);
  if (given === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_value')) {
    const description = schemaAt(schema, issue.path)?.description;
    return [`${pathText(issue.path)}: is missing${description === undefined ? '' : ` (${description})`}`];
  }
  if (issue.code === 'invalid_value') {
    if (!OWN_WORDS.test(issue.message)) return [`${pathText(issue.path)}: ${issue.message}`];
    const options = issue.values.map(String);
    const meant = typeof given === 'string' ? nearest(given, options) : null;
    const hint = meant === null ? `must be one of ${options.join(', ')}` : `did you mean ${meant}?`;
    return [`${pathText(issue.path)}: ${JSON.stringify(given)} is not known; ${hint}`];
  }
  const words = inWords(issue, given);
  if (words === null) return [`${pathText(issue.path)}: ${issue.message}`];
  const description = typeof given === 'string' ? schemaAt(schema, issue.path)?.description : undefined;
  return [`${pathText(issue.path)}: ${words}${description === undefined ? '' : ` (${description})`}`];
}

/** The checks' own words for a wrong type or size, for who writes YAML; what a schema says in its words is left to it. */
const OWN_WORDS = /^(?:Invalid input: expected|Invalid option: expected|Too small|Too big)/;

function inWords(issue: z.core.$ZodIssue, given: unknown): string | null {
  if (!OWN_WORDS.test(issue.message)) return null;
  if (issue.code === 'invalid_type') return typeInWords(issue.expected, given);
  if (issue.code !== 'too_small' && issue.code !== 'too_big') return null;
  const least = issue.code === 'too_small';
  const limit = least ? issue.minimum : issue.maximum;
  if (issue.origin === 'number' || issue.origin === 'int') {
    const bound = issue.inclusive === false ? (least ? 'more than' : 'less than') : least ? 'at least' : 'at most';
    return `must be ${bound} ${limit}, not ${String(given)}`;
  }
  if (issue.origin === 'string' && least && Number(limit) === 1) return 'must not be empty';
  return null;
}

/** Characters of a value that are repeated. */
const MOST_SHOWN = 60;

function typeInWords(expected: string, given: unknown): string | null {
  const not = Array.isArray(given)
    ? 'a list'
    : typeof given === 'object' && given !== null
      ? 'keys below it'
      : (JSON.stringify(given) ?? '').slice(0, MOST_SHOWN);
  switch (expected) {
    case 'number':
    case 'int': {
      const quoted = typeof given === 'string' && /^\d+$/.test(given);
      return `must be a ${expected === 'int' ? 'whole ' : ''}number, not ${not}${quoted ? '; write it without quotes' : ''}`;
    }
    case 'boolean':
      return `must be true or false, not ${not}`;
    case 'string':
      return `must be text, not ${not}${typeof given === 'number' || typeof given === 'boolean' ? '; put it in quotes' : ''}`;
    case 'array':
      return `must be a list, each item begun with "- ", not ${not}`;
    case 'object':
    case 'record':
      return `must have keys below it, not ${given === null ? 'nothing' : not}`;
    default:
      return null;
  }
}

/** `functions.detect.triggers[0].objects` */
function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((p) => (typeof p === 'number' ? `[${p}]` : `.${String(p)}`)).join('');
  return text === '' ? '(top)' : text.replace(/^\./, '');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (v, key) => (v === null || typeof v !== 'object' ? undefined : (v as Record<PropertyKey, unknown>)[key]),
    value,
  );
}

function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  return Object.keys(schemaAt(schema, path)?.properties ?? {});
}

function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): JsonSchema | undefined {
  let at: JsonSchema | undefined = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as JsonSchema;
  for (const key of path) {
    const additional: JsonSchema | undefined = typeof at?.additionalProperties === 'object' ? at.additionalProperties : undefined;
    at = typeof key === 'number' ? at?.items : (at?.properties?.[String(key)] ?? additional);
  }
  return at;
}
