import { zipOf } from '../../src/control/testing/plane.ts';
import type { Answer, Params } from './call.ts';
import type { Replay, Scenario } from './replay.ts';

const INVOKE = 'lambda:InvokeFunction';
const SOURCE = 'arn:aws:s3:::some-bucket';
const S3 = { StatementId: 's3', Action: INVOKE, Principal: 's3.amazonaws.com', SourceArn: SOURCE };

async function fixtureOf(r: Replay, name: string, more: Params = {}): Promise<Params> {
  const files = { 'handler.py': 'def handler(e, c): return e' };
  return r.functionOf(name, files, { Handler: 'handler.handler', Timeout: 30, Environment: { Variables: {} }, ...more });
}

async function fixture(r: Replay, more: Params = {}): Promise<string> {
  const name = r.name();
  await r.call('CreateFunction', await fixtureOf(r, name, more));
  return name;
}

const permissions: Record<string, Scenario> = {
  async test_add_lambda_permission_aws(r) {
    const FunctionName = r.name();
    const CreateFunctionResponse = await r.call('CreateFunction', await fixtureOf(r, FunctionName));
    r.check('create_lambda', { CreateFunctionResponse });
    await r.checkCall('add_permission', 'AddPermission', { FunctionName, ...S3 });
    await r.checkCall('get_policy', 'GetPolicy', { FunctionName });
  },
  async test_create_multiple_lambda_permissions(r) {
    const FunctionName = await fixture(r);
    const of = (name: string): Params => ({ FunctionName, StatementId: name, Action: INVOKE, Principal: `${name}.amazonaws.com` });
    await r.checkCall('add_permission_response_1', 'AddPermission', of('logs'));
    await r.checkCall('add_permission_response_2', 'AddPermission', of('kinesis'));
    await r.checkCall('policy_after_2_add', 'GetPolicy', { FunctionName });
  },
  async test_lambda_permission_fn_versioning(r) {
    const FunctionName = await fixture(r);
    await r.checkCall('add_permission', 'AddPermission', { FunctionName, ...S3 });
    await r.checkCall('get_policy', 'GetPolicy', { FunctionName });
    await r.checkCall('publish_version_result', 'PublishVersion', { FunctionName });
    await r.checkCall('get_function_result_after_publishing', 'GetFunction', { FunctionName });
    const latest = await r.checkCall('get_policy_after_publishing_latest', 'GetPolicy', { FunctionName });
    const version = { FunctionName, Qualifier: '1' };
    await r.checkCall('get_policy_after_publishing_new_version', 'GetPolicy', version);
    await r.call('AddPermission', { ...version, ...S3 });
    await r.checkCall('get_policy_version', 'GetPolicy', version);
    const alias = { FunctionName, Qualifier: 'permission-alias' };
    await r.checkCall('create_alias_response', 'CreateAlias', { FunctionName, Name: 'permission-alias', FunctionVersion: '1' });
    await r.checkCall('get_alias', 'GetAlias', { FunctionName, Name: 'permission-alias' });
    const wrong = { ...alias, ...S3, RevisionId: latest['RevisionId'] };
    await r.checkCall('add_permission_alias_revision_exception', 'AddPermission', wrong);
    await r.call('AddPermission', { ...alias, ...S3 });
    await r.checkCall('get_policy_alias', 'GetPolicy', alias);
    await r.checkCall('get_policy_after_adding_to_new_version', 'GetPolicy', { FunctionName });
    await r.call('AddPermission', { FunctionName, ...S3, StatementId: 's3_2', RevisionId: latest['RevisionId'] });
    await r.checkCall('get_policy_after_adding_2', 'GetPolicy', { FunctionName });
  },
};

const PYTHON = {
  CompatibleRuntimes: ['python3.12'],
  CompatibleArchitectures: ['x86_64'],
  Description: '<description>',
  LicenseInfo: '<license-info>',
};

async function layer(): Promise<Params> {
  return { Content: { ZipFile: (await zipOf({ 'python/x.py': '1' })).toString('base64') } };
}

const arnOf = (answer: Answer): string => String(answer['LayerVersionArn']);

const layers: Record<string, Scenario> = {
  async test_layer_lifecycle(r) {
    const FunctionName = await fixture(r);
    const LayerName = r.name('layer');
    await r.checkCall('get_fn_result', 'GetFunction', { FunctionName });
    await r.checkCall('get_fn_config_result', 'GetFunctionConfiguration', { FunctionName });
    const publish = { LayerName, ...(await layer()), ...PYTHON };
    const first = await r.checkCall('publish_result', 'PublishLayerVersion', publish);
    await r.checkCall('publish_result_2', 'PublishLayerVersion', publish);
    await r.checkCall('update_fn_config', 'UpdateFunctionConfiguration', { FunctionName, Layers: [arnOf(first)] });
    await r.checkCall('get_fn_config', 'GetFunctionConfiguration', { FunctionName });
    await r.checkCall('get_layer_ver_result', 'GetLayerVersion', { LayerName, VersionNumber: 1 });
    await r.checkCall('get_layer_by_arn_version', 'GetLayerVersionByArn', { Arn: arnOf(first) });
    await r.checkCall('list_layer_versions_predelete', 'ListLayerVersions', { LayerName });
    await r.checkCall('delete_layer_1', 'DeleteLayerVersion', { LayerName, VersionNumber: 1 });
    await r.checkCall('get_fn_config_postdelete', 'GetFunctionConfiguration', { FunctionName });
    await r.checkCall('delete_layer_2', 'DeleteLayerVersion', { LayerName, VersionNumber: 2 });
    await r.checkCall('list_layer_versions_postdelete', 'ListLayerVersions', { LayerName });
    await r.checkCall('publish_result_3', 'PublishLayerVersion', publish);
  },
  async test_layer_policy_lifecycle(r) {
    const LayerName = r.name('layer');
    const { LicenseInfo: _1, Description: _2, ...compatible } = PYTHON;
    await r.checkCall('publish_result', 'PublishLayerVersion', { LayerName, ...(await layer()), ...compatible });
    const version = { LayerName, VersionNumber: 1 };
    const allow = (StatementId: string): Params => ({ ...version, StatementId, Action: 'lambda:GetLayerVersion', Principal: '*' });
    await r.checkCall('add_policy_s1', 'AddLayerVersionPermission', allow('s1'));
    await r.checkCall('get_layer_version_policy', 'GetLayerVersionPolicy', version);
    await r.checkCall('add_policy_s2', 'AddLayerVersionPermission', allow('s2'));
    await r.checkCall('get_layer_version_policy_postadd2', 'GetLayerVersionPolicy', version);
    await r.checkCall('remove_s2', 'RemoveLayerVersionPermission', { ...version, StatementId: 's2' });
    await r.checkCall('get_layer_version_policy_postdeletes2', 'GetLayerVersionPolicy', version);
  },
  async test_layer_function_exceptions(r) {
    const LayerName = r.name('layer');
    const publish = { LayerName, ...(await layer()), CompatibleRuntimes: [], CompatibleArchitectures: ['x86_64'] };
    const [one, two, three] = [
      arnOf(await r.checkCall('publish_result', 'PublishLayerVersion', publish)),
      arnOf(await r.checkCall('publish_result_2', 'PublishLayerVersion', publish)),
      arnOf(await r.checkCall('publish_result_3', 'PublishLayerVersion', publish)),
    ];
    const FunctionName = await fixture(r);
    await r.checkCall('get_fn_result', 'GetFunction', { FunctionName });
    const update = 'UpdateFunctionConfiguration';
    await r.checkCall('two_layer_versions_single_function_exc', update, { FunctionName, Layers: [one, two] });
    await r.checkCall('three_layer_versions_single_function_exc', update, { FunctionName, Layers: [one, two, three] });
    await r.checkCall('two_identical_layer_versions_single_function_exc', update, { FunctionName, Layers: [one, one] });
    const other = one.replace(LayerName, 'doesnotexist');
    await r.checkCall('add_nonexistent_layer_exc', update, { FunctionName, Layers: [other] });
    await r.checkCall('add_nonexistent_layer_version_exc', update, { FunctionName, Layers: [one.replace(/1$/, '9')] });
    await r.checkCall('add_layer_arn_without_version_exc', update, { FunctionName, Layers: [one.replace(/:1$/, '')] });
    const elsewhere = await fixtureOf(r, r.name(), { Layers: [one.replace('us-east-1', 'eu-west-1')] });
    await r.checkCall('create_function_with_layer_in_different_region', 'CreateFunction', elsewhere);
  },
  async test_layer_function_quota_exception(r) {
    const arns: string[] = [];
    for (let i = 0; i < 6; i++) arns.push(arnOf(await r.call('PublishLayerVersion', { LayerName: r.name('layer'), ...(await layer()) })));
    await r.checkCall('create_function_with_six_layers', 'CreateFunction', await fixtureOf(r, r.name(), { Layers: arns }));
  },
  async 'test_layer_compatibilities[runtimes1]'(r) {
    const CompatibleRuntimes =
      'java25 java21 java17 java11 java8.al2 java8 dotnet10 dotnet8 dotnet6 dotnetcore3.1 go1.x ruby3.4 ruby3.3 ruby3.2 ruby2.7'.split(' ');
    const compatible = { CompatibleRuntimes, CompatibleArchitectures: ['arm64', 'x86_64'] };
    await r.checkCall('publish_result', 'PublishLayerVersion', { LayerName: r.name('layer'), ...(await layer()), ...compatible });
  },
};

function grouped(group: string, scenarios: Record<string, Scenario>): [string, Scenario][] {
  return Object.entries(scenarios).map(([name, scenario]) => [`${group}::${name}`, scenario]);
}

export const POLICY_SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries([
  ...grouped('TestLambdaPermissions', permissions),
  ...grouped('TestLambdaLayer', layers),
]);
