import { z } from 'zod';
import { like } from '../lib/wildcard.ts';
import { explain } from '../model/manifest-errors.ts';

/** Characters of a value that are repeated. */
const MOST_SHOWN = 60;

const texts = (form: RegExp, right: string) => {
  const error = ({ input }: { readonly input?: unknown }): string =>
    input === undefined ? 'is missing' : `${right}, not ${(JSON.stringify(input) ?? '').slice(0, MOST_SHOWN)}`;
  const text = z.string({ error }).max(256, { error }).regex(form, { error });
  return z.union([text, z.array(text, { error }).min(1, { error }).max(100, { error: 'has more than 100' })], { error });
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

const policy = z.object({
  Statement: z
    .array(statement)
    .min(1, { error: 'there is no statement: one has Effect, Action and Resource' })
    .max(50, { error: 'there are more than 50' }),
});

/** What a key may do, in the form of IAM's statements. A denial goes before any permission; what no statement allows is not allowed. */
export type KeyStatement = z.output<typeof statement>;

/** Reads statements, bare or as a policy document. Throws InvalidParameterValueException that names what is wrong. */
export function parseStatements(value: unknown): KeyStatement[] {
  const bare = (value as { Statement?: unknown } | null)?.Statement ?? value;
  return explain(policy, { Statement: Array.isArray(bare) ? bare : [bare] }).Statement;
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
