import { z } from 'zod';
import { HearthError } from '../errors.ts';
import { like } from '../lib/wildcard.ts';

const texts = z.union([z.string().min(1).max(256), z.array(z.string().min(1).max(256)).min(1).max(100)]);

const statement = z.strictObject({
  Sid: z.string().max(100).optional(),
  Effect: z.enum(['Allow', 'Deny']),
  /** `lambda:InvokeFunction`, `lambda:*`, `s3:*`, `hearth:*`. */
  Action: texts,
  /** ARNs with `*` and `?`. */
  Resource: texts,
});

/** What a key may do, in the form of IAM's statements. A denial goes before any permission; what no statement allows is not allowed. */
export type KeyStatement = z.output<typeof statement>;

/** Reads statements, bare or as a policy document. Throws InvalidParameterValueException that names what is wrong. */
export function parseStatements(value: unknown): KeyStatement[] {
  const bare = (value as { Statement?: unknown } | null)?.Statement ?? value;
  const parsed = z
    .array(statement)
    .min(1)
    .max(50)
    .safeParse(Array.isArray(bare) ? bare : [bare]);
  if (parsed.success) return parsed.data;
  throw new HearthError(
    'InvalidParameterValueException',
    `Not the statements of a policy: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`,
  );
}

/** Whether statements allow an action on a resource. */
export function allows(statements: readonly KeyStatement[], action: string, resource: string): boolean {
  const meant = statements.filter((s) => matches(s.Action, action, true) && matches(s.Resource, resource, false));
  return meant.some((s) => s.Effect === 'Allow') && !meant.some((s) => s.Effect === 'Deny');
}

function matches(patterns: string | readonly string[], value: string, anyCase: boolean): boolean {
  return [patterns].flat().some((pattern) => (anyCase ? like(pattern.toLowerCase(), value.toLowerCase()) : like(pattern, value)));
}
