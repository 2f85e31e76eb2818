import { z } from 'zod';
import { HearthError } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';

interface JsonSchema {
  readonly properties?: Record<string, JsonSchema>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
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
  if (given === undefined && issue.code === 'invalid_type') return [`${pathText(issue.path)}: is missing`];
  if (given === undefined && issue.code === 'invalid_value') return [`${pathText(issue.path)}: is missing`];
  if (issue.code === 'invalid_value') {
    const options = issue.values.map(String);
    const meant = typeof given === 'string' ? nearest(given, options) : null;
    const hint = meant === null ? `must be one of ${options.join(', ')}` : `did you mean ${meant}?`;
    return [`${pathText(issue.path)}: ${JSON.stringify(given)} is not known; ${hint}`];
  }
  return [`${pathText(issue.path)}: ${issue.message}`];
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
  let at: JsonSchema | undefined = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as JsonSchema;
  for (const key of path) {
    const additional: JsonSchema | undefined = typeof at?.additionalProperties === 'object' ? at.additionalProperties : undefined;
    at = typeof key === 'number' ? at?.items : (at?.properties?.[String(key)] ?? additional);
  }
  return Object.keys(at?.properties ?? {});
}
