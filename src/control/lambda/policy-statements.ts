import { HearthError } from '../../errors.ts';
import type { Policy } from '../resources.ts';
import { absent } from './operation.ts';

export type Statement = Readonly<Record<string, unknown>>;

/** AWS's quota of a resource's policy, in bytes of its document. */
const POLICY_BYTES = 20_480;

/** A policy with one more statement. Throws ResourceConflictException when there is one of its name, PolicyLengthExceededException when it grows too long. */
export function withStatement(policy: Policy | null, statement: Statement, revisionId: string): Policy {
  const statements = policy?.statements ?? [];
  if (statements.some((s) => s['Sid'] === statement['Sid'])) {
    throw new HearthError(
      'ResourceConflictException',
      `The statement id (${String(statement['Sid'])}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
    );
  }
  const grown = { revisionId, statements: [...statements, statement] };
  const bytes = Buffer.byteLength(policyDocument(grown));
  if (bytes > POLICY_BYTES)
    throw new HearthError('PolicyLengthExceededException', `The final policy size (${bytes}) is bigger than the limit (${POLICY_BYTES}).`);
  return grown;
}

/** A policy without the statement of that name; null when no statement is left. Throws ResourceNotFoundException. */
export function withoutStatement(policy: Policy | null, sid: string, revisionId: string): Policy | null {
  if (policy === null) throw absent('No policy is associated with the given resource.');
  const statements = policy.statements.filter((s) => s['Sid'] !== sid);
  if (statements.length === policy.statements.length) throw absent(`Statement ${sid} is not found in resource policy.`);
  return statements.length === 0 ? null : { revisionId, statements };
}

/** The whole policy, as GetPolicy and its like answer it. */
export function policyDocument(policy: Policy): string {
  return JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: policy.statements });
}

/** `*`, a service, an account or an ARN, as IAM writes it. */
export function principalOf(principal: string): unknown {
  if (principal === '*') return '*';
  if (/^\d{12}$/.test(principal)) return { AWS: `arn:aws:iam::${principal}:root` };
  return principal.startsWith('arn:') ? { AWS: principal } : { Service: principal };
}

export function stalePolicy(api: 'GetPolicy' | 'GetLayerPolicy'): HearthError {
  const message = `The Revision Id provided does not match the latest Revision Id. Call the ${api} API to retrieve the latest Revision Id`;
  return new HearthError('PreconditionFailedException', message);
}
