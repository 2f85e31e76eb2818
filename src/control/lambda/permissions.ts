import { functionArn, type FunctionVersion } from '../../model/function-version.ts';
import { isRevision } from '../revisions.ts';
import type { Policy } from '../resources.ts';
import type { Input } from './model/check.ts';
import { absent, invalid, referenceOf, text, type LambdaDeps, type Operation, type OperationCall, type Operations } from './operation.ts';
import { policyDocument, principalOf, stalePolicy, withoutStatement, withStatement, type Statement } from './policy-statements.ts';

const addPermission: Operation = (call, deps) => {
  const target = targetOf(call, deps);
  if (target.qualifier === '$LATEST') throw invalid('We currently do not support adding policies for $LATEST.');
  const statement = statementOf(call.input, target.arn);
  return deps.resources.inTurn(`policy ${target.key}`, async () => {
    const policy = deps.resources.get('policy', target.key);
    expect(call.input, target, policy, deps);
    await deps.resources.put('policy', target.key, withStatement(policy, statement, deps.ids.uuid()), target.of.functionId);
    return { Statement: JSON.stringify(statement) };
  });
};

const removePermission: Operation = (call, deps) => {
  const target = targetOf(call, deps);
  return deps.resources.inTurn(`policy ${target.key}`, async () => {
    const policy = deps.resources.get('policy', target.key);
    const left = withoutStatement(policy, String(call.input['StatementId']), deps.ids.uuid());
    expect(call.input, target, policy, deps);
    if (left === null) await deps.resources.remove('policy', target.key);
    else await deps.resources.put('policy', target.key, left, target.of.functionId);
    return null;
  });
};

const getPolicy: Operation = (call, deps) => {
  const { name, qualifier } = referenceOf(call, deps);
  const of = deps.registry.get(name);
  const policy = of === null ? null : deps.resources.get('policy', `${of.functionId}/${qualifier ?? ''}`);
  if (policy === null) throw absent();
  return { Policy: policyDocument(policy), RevisionId: policy.revisionId };
};

export const PERMISSIONS: Operations = { AddPermission: addPermission, RemovePermission: removePermission, GetPolicy: getPolicy };

interface Target {
  readonly of: FunctionVersion;
  readonly qualifier: string | null;
  readonly key: string;
  readonly arn: string;
}

function targetOf(call: OperationCall, deps: LambdaDeps): Target {
  const reference = referenceOf(call, deps);
  deps.registry.require(reference);
  const of = deps.registry.require({ name: reference.name, qualifier: null });
  const { qualifier } = reference;
  const arn = qualifier === null ? functionArn(of) : `${functionArn(of)}:${qualifier}`;
  return { of, qualifier, key: `${of.functionId}/${qualifier ?? ''}`, arn };
}

/** The revision that a request expects is the policy's or, while there is none, that of what it would be for. */
function expect(input: Input, target: Target, policy: Policy | null, deps: LambdaDeps): void {
  const expected = text(input, 'RevisionId');
  if (expected === null || expected === policy?.revisionId) return;
  const { of, qualifier } = target;
  const alias = qualifier === null ? null : deps.registry.alias(of.name, qualifier);
  const present = alias?.revisionId ?? deps.registry.get(of.name, qualifier ?? '$LATEST')?.revisionId;
  if (policy === null && present !== undefined && isRevision(expected, present)) return;
  throw stalePolicy('GetPolicy');
}

function statementOf(input: Input, arn: string): Statement {
  const condition = conditionOf(input);
  return {
    Sid: input['StatementId'],
    Effect: 'Allow',
    Principal: principalOf(String(input['Principal'])),
    Action: input['Action'],
    Resource: arn,
    ...(Object.keys(condition).length === 0 ? {} : { Condition: condition }),
  };
}

function conditionOf(input: Input): Record<string, unknown> {
  const equals: Record<string, unknown> = {};
  const given = (member: string, name: string): void => {
    if (input[member] !== undefined) equals[name] = input[member];
  };
  given('SourceAccount', 'AWS:SourceAccount');
  given('PrincipalOrgID', 'aws:PrincipalOrgID');
  given('EventSourceToken', 'lambda:EventSourceToken');
  given('FunctionUrlAuthType', 'lambda:FunctionUrlAuthType');
  return {
    ...(Object.keys(equals).length === 0 ? {} : { StringEquals: equals }),
    ...(input['InvokedViaFunctionUrl'] === undefined
      ? {}
      : { Bool: { 'lambda:InvokedViaFunctionUrl': input['InvokedViaFunctionUrl'] === true ? 'true' : 'false' } }),
    ...(input['SourceArn'] === undefined ? {} : { ArnLike: { 'AWS:SourceArn': input['SourceArn'] } }),
  };
}
