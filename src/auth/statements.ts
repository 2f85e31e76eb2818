import { z } from 'zod';
import { HearthError } from '../errors.ts';
import { like } from '../lib/wildcard.ts';

const texts = (form: RegExp, error: string) => {
  const text = z.string().max(256).regex(form, { error });
  return z.union([text, z.array(text).min(1).max(100)], { error: (issue) => (issue.input === undefined ? 'it is missing' : error) });
};

// As IAM has them: what is of another form would be kept, and allow nothing.
const actions = texts(/^(?:\*|[a-z][a-z0-9-]*:[\w*?]+)$/i, 'must be `*` or a service and what it does: lambda:InvokeFunction, s3:*');
const resources = texts(/^(?:\*|arn:[^:\s]+:\S+)$/, 'must be `*` or an ARN: arn:aws:lambda:*:*:function:NAME, arn:aws:s3:::BUCKET/*');

const statement = z.strictObject({
  Sid: z.string().max(100).optional(),
  Effect: z.enum(['Allow', 'Deny']),
  /** `lambda:InvokeFunction`, `lambda:*`, `s3:GetObject`, `sqs:SendMessage`, `hearth:*`. */
  Action: actions,
  /** ARNs with `*` and `?`. */
  Resource: resources,
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

/** Whether statements allow an action on a resource, which may have several names. */
export function allows(statements: readonly KeyStatement[], action: string, names: string | readonly string[]): boolean {
  const meant = statements.filter(
    (s) =>
      some(s.Action, (p) => like(p.toLowerCase(), action.toLowerCase())) && some(s.Resource, (p) => some(names, (name) => covers(p, name))),
  );
  return meant.some((s) => s.Effect === 'Allow') && !meant.some((s) => s.Effect === 'Deny');
}

function some(patterns: string | readonly string[], fits: (pattern: string) => boolean): boolean {
  return typeof patterns === 'string' ? fits(patterns) : patterns.some(fits);
}

/** `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE` */
const ARN_PARTS = 6;

/** As in IAM, a star reaches no further than its own part of an ARN; the resource at its end is one part, whatever is in it. */
function covers(pattern: string, resource: string): boolean {
  const [wanted, given] = [partsOf(pattern), partsOf(resource)];
  if (wanted.length < ARN_PARTS || given.length < ARN_PARTS) return like(pattern, resource);
  return wanted.every((part, i) => like(part, given[i] ?? ''));
}

function partsOf(arn: string): string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, ARN_PARTS - 1), ...(parts.length < ARN_PARTS ? [] : [parts.slice(ARN_PARTS - 1).join(':')])];
}
