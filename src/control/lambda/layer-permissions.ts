import { absent, text, type LambdaDeps, type Operation, type OperationCall, type Operations } from './operation.ts';
import { layerArn, nameOf, numberOf } from './layers.ts';
import { policyDocument, principalOf, stalePolicy, withoutStatement, withStatement, type Statement } from './policy-statements.ts';

const add: Operation = (call, deps) => {
  const { input } = call;
  const { key, arn } = targetOf(call, deps);
  const organisation = text(input, 'OrganizationId');
  const statement: Statement = {
    Sid: input['StatementId'],
    Effect: 'Allow',
    Principal: principalOf(String(input['Principal'])),
    Action: input['Action'],
    Resource: arn,
    ...(organisation === null ? {} : { Condition: { StringEquals: { 'aws:PrincipalOrgID': organisation } } }),
  };
  return deps.resources.inTurn(`layer-policy ${key}`, async () => {
    const policy = deps.resources.get('layer-policy', key);
    expect(call, policy?.revisionId);
    const made = await deps.resources.put('layer-policy', key, withStatement(policy, statement, deps.ids.uuid()), null);
    return { Statement: JSON.stringify(statement), RevisionId: made.revisionId };
  });
};

const remove: Operation = (call, deps) => {
  const { key } = targetOf(call, deps);
  return deps.resources.inTurn(`layer-policy ${key}`, async () => {
    const policy = deps.resources.get('layer-policy', key);
    const left = withoutStatement(policy, String(call.input['StatementId']), deps.ids.uuid());
    expect(call, policy?.revisionId);
    if (left === null) await deps.resources.remove('layer-policy', key);
    else await deps.resources.put('layer-policy', key, left, null);
    return null;
  });
};

const get: Operation = (call, deps) => {
  const policy = deps.resources.get('layer-policy', targetOf(call, deps).key);
  if (policy === null) throw absent('No policy is associated with the given resource.');
  return { Policy: policyDocument(policy), RevisionId: policy.revisionId };
};

export const LAYER_PERMISSIONS: Operations = {
  AddLayerVersionPermission: add,
  RemoveLayerVersionPermission: remove,
  GetLayerVersionPolicy: get,
};

function targetOf({ input }: OperationCall, deps: LambdaDeps): { key: string; arn: string } {
  const [name, version] = [nameOf(input), numberOf(input)];
  const key = `${name}/${version}`;
  const arn = `${layerArn(name, deps)}:${version}`;
  if (deps.resources.get('layer-version', key) === null) throw absent(`Layer version ${arn} does not exist.`);
  return { key, arn };
}

function expect({ input }: OperationCall, present: string | undefined): void {
  const expected = text(input, 'RevisionId');
  if (expected !== null && expected !== present) throw stalePolicy('GetLayerPolicy');
}
