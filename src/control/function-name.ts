import { HearthError } from '../errors.ts';
import { constraintFaults } from './lambda/model/check.ts';
import type { ShapeModel } from './lambda/model/model.ts';

/** Lambda's own patterns, as its messages quote them; those of its API model, where the gateway has no business. */
const QUALIFIED_NAME_PATTERN =
  '(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?';
const QUALIFIER_PATTERN = '\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+';

/** The name of one that is there; may carry a version. */
const KNOWN_NAME: ShapeModel = { type: 'string', min: 1, max: 256, pattern: QUALIFIED_NAME_PATTERN };
const QUALIFIER: ShapeModel = { type: 'string', min: 1, max: 128, pattern: QUALIFIER_PATTERN };

const PARTS =
  /^(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?(?:(?<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(?<account>\d{12}):)?(?:function:)?(?<name>[a-zA-Z0-9\-_.]+)(?::(?<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9\-_]+))?$/;

/** What a caller named: the plain name, and the version if there was one. */
export interface FunctionReference {
  readonly name: string;
  readonly qualifier: string | null;
}

/** Whose functions may be reached. */
export interface Scope {
  readonly accountId: string;
  readonly region: string;
}

/** ValidationException with all faults, as Lambda counts them; nothing when there are none. */
export function refuse(faults: readonly string[]): void {
  if (faults.length === 0) return;
  const count = faults.length === 1 ? '1 validation error' : `${faults.length} validation errors`;
  throw new HearthError('ValidationException', `${count} detected: ${faults.join('; ')}`);
}

/**
 * Takes a function's name apart: plain, `name:qualifier`, partial or full ARN; `qualifier` is what was given beside it. Throws
 * ValidationException for what is none, InvalidParameterValueException when the two qualifiers differ, ResourceNotFoundException
 * for another region and AccessDeniedException for another account.
 */
export function parseReference(text: string, qualifier: string | null, scope: Scope): FunctionReference {
  const faults = qualifier === null ? [] : constraintFaults(QUALIFIER, qualifier, 'qualifier');
  refuse([...faults, ...constraintFaults(KNOWN_NAME, text, 'functionName')]);
  const parts = partsOf(text);
  if (parts.region !== undefined && parts.region !== scope.region) {
    const message = `Functions from '${parts.region}' are not reachable in this region ('${scope.region}')`;
    throw new HearthError('ResourceNotFoundException', message, { details: { Type: 'User' } });
  }
  if (parts.account !== undefined && parts.account !== scope.accountId) {
    throw new HearthError('AccessDeniedException', `The account ${parts.account} is not this server's, which is ${scope.accountId}.`);
  }
  const derived = parts.qualifier ?? null;
  if (derived !== null && qualifier !== null && derived !== qualifier) {
    throw new HearthError(
      'InvalidParameterValueException',
      'The derived qualifier from the function name does not match the specified qualifier.',
    );
  }
  return { name: parts.name ?? text, qualifier: qualifier ?? derived };
}

/** The function that a text names and the version in it, whoever's it is; a text that is no name is taken as it stands. */
export function namedIn(text: string): FunctionReference {
  const { name = text, qualifier = null } = partsOf(text);
  return { name, qualifier };
}

function partsOf(text: string): Readonly<Partial<Record<'region' | 'account' | 'name' | 'qualifier', string>>> {
  return PARTS.exec(text)?.groups ?? {};
}

/** ResourceNotFoundException as Lambda words it; `qualifier` is what was asked for, if anything. */
export function notFound(reference: FunctionReference, scope: Scope): HearthError {
  const version = reference.qualifier === null ? '' : `:${reference.qualifier}`;
  return new HearthError(
    'ResourceNotFoundException',
    `Function not found: arn:aws:lambda:${scope.region}:${scope.accountId}:function:${reference.name}${version}`,
  );
}
