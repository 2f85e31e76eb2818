import { randomBytes } from 'node:crypto';
import type { Params } from './call.ts';
import type { Replay, Scenario } from './replay.ts';

const CODE = { 'index.py': 'def handler(event, context): return 1' };
const OTHER = { 'index.py': 'def handler(event, context): return 2' };
const WRONG = { RevisionId: 'wrong' };

/** A function as the recordings' fixture makes one: with an empty environment, a timeout of 30 seconds. */
async function fixture(r: Replay, more: Params = {}): Promise<string> {
  const name = r.name();
  await r.call('CreateFunction', await fixtureOf(r, name, more));
  return name;
}

function fixtureOf(r: Replay, name: string, more: Params = {}): Promise<Params> {
  return r.functionOf(
    name,
    { 'handler.py': 'def handler(e, c): return e' },
    { Handler: 'handler.handler', Timeout: 30, Environment: { Variables: {} }, ...more },
  );
}

async function nothing(r: Replay, operation: string, more: Params = {}, checked = 'not_found_exception'): Promise<void> {
  const FunctionName = r.name('missing');
  await r.checkCall(checked, operation, { FunctionName, ...more });
}

const versions: Record<string, Scenario> = {
  async test_publish_version_on_create(r) {
    const FunctionName = r.name();
    await r.checkCall('create_response', 'CreateFunction', await r.functionOf(FunctionName, CODE, { Publish: true }));
    await r.checkCall('get_function_result', 'GetFunction', { FunctionName });
    await r.checkCall('get_function_version_result', 'GetFunction', { FunctionName, Qualifier: '1' });
    await r.checkCall('get_function_latest_result', 'GetFunction', { FunctionName, Qualifier: '$LATEST' });
    await r.checkCall('list_versions_result', 'ListVersionsByFunction', { FunctionName });
    await r.checkCall('repeated_publish_response', 'PublishVersion', { FunctionName });
    await r.checkCall('list_versions_result_after_publish', 'ListVersionsByFunction', { FunctionName });
  },
  async test_version_lifecycle(r) {
    const FunctionName = r.name();
    await r.checkCall('create_response', 'CreateFunction', await r.functionOf(FunctionName, CODE, { Description: 'No version :(' }));
    await r.checkCall('get_function_result', 'GetFunction', { FunctionName });
    await r.checkCall('list_versions_result', 'ListVersionsByFunction', { FunctionName });
    await r.checkCall('first_update_response', 'UpdateFunctionConfiguration', { FunctionName, Description: 'First version :)' });
    await r.checkCall('first_update_get_function', 'GetFunction', { FunctionName });
    await r.checkCall('first_publish_response', 'PublishVersion', { FunctionName, Description: 'First version description :)' });
    await r.checkCall('first_publish_get_function', 'GetFunction', { FunctionName, Qualifier: '1' });
    await r.checkCall('first_publish_get_function_config', 'GetFunctionConfiguration', { FunctionName, Qualifier: '1' });
    await r.checkCall('second_update_response', 'UpdateFunctionConfiguration', { FunctionName, Description: 'Second version :))' });
    await r.checkCall('first_publish_get_function_after_update', 'GetFunction', { FunctionName, Qualifier: '1' });
    await r.checkCall('second_publish_response', 'PublishVersion', { FunctionName });
    await r.checkCall('third_publish_response', 'PublishVersion', { FunctionName, Description: 'Third version description :)))' });
    await r.checkCall('list_versions_result_after_third_publish', 'ListVersionsByFunction', { FunctionName });
    await r.call('DeleteFunction', { FunctionName, Qualifier: '1' });
    await r.checkCall('list_versions_result_after_deletion_of_first_version', 'ListVersionsByFunction', { FunctionName });
  },
  async test_publish_with_wrong_revisionid(r) {
    const FunctionName = r.name();
    await r.checkCall('create_response', 'CreateFunction', await r.functionOf(FunctionName, CODE, { Runtime: 'python3.9' }));
    const got = await r.checkCall('get_fn_response', 'GetFunction', { FunctionName });
    const { RevisionId } = got['Configuration'] as { RevisionId: string };
    await r.checkCall('publish_wrong_revisionid_exc', 'PublishVersion', { FunctionName, ...WRONG });
    await r.checkCall('publish_result', 'PublishVersion', { FunctionName, RevisionId });
  },
  async test_publish_with_update(r) {
    const FunctionName = r.name();
    await r.checkCall('create_response', 'CreateFunction', await r.functionOf(FunctionName, CODE));
    await r.checkCall('get_function_result', 'GetFunction', { FunctionName });
    const { Code } = (await r.functionOf(FunctionName, OTHER)) as { Code: Params };
    await r.checkCall('update_function_code_result', 'UpdateFunctionCode', { FunctionName, ...Code, Publish: true });
    await r.checkCall('get_function_version_result', 'GetFunction', { FunctionName, Qualifier: '1' });
    await r.checkCall('get_function_latest_result', 'GetFunction', { FunctionName, Qualifier: '$LATEST' });
  },
};

const aliases: Record<string, Scenario> = {
  async test_alias_lifecycle(r) {
    const FunctionName = r.name();
    const environment = (testenv: string): Params => ({ Environment: { Variables: { testenv } } });
    await r.checkCall('create_response', 'CreateFunction', await r.functionOf(FunctionName, CODE, environment('staging')));
    await r.checkCall('publish_v1', 'PublishVersion', { FunctionName });
    await r.call('UpdateFunctionConfiguration', { FunctionName, ...environment('prod') });
    await r.checkCall('publish_v2', 'PublishVersion', { FunctionName });
    const described = { FunctionVersion: '1', Description: 'custom-alias' };
    const RoutingConfig = { AdditionalVersionWeights: { '2': 0.2 } };
    await r.checkCall('create_alias_1_1', 'CreateAlias', { FunctionName, Name: 'aliasname1_1', ...described, RoutingConfig });
    await r.checkCall('get_alias_1_1', 'GetAlias', { FunctionName, Name: 'aliasname1_1' });
    await r.checkCall('get_function_alias_1_1', 'GetFunction', { FunctionName, Qualifier: 'aliasname1_1' });
    const arn = `arn:aws:lambda:us-east-1:${r.server.accountId}:function:${FunctionName}`;
    await r.checkCall('get_function_byarn_alias_1_1', 'GetFunction', { FunctionName: `${arn}:aliasname1_1` });
    await r.checkCall('get_function_alias_notfound_exc', 'GetFunction', { FunctionName, Qualifier: 'aliasdoesnotexist' });
    await r.checkCall('get_function_alias_byarn_notfound_exc', 'GetFunction', { FunctionName: `${arn}:aliasdoesnotexist` });
    await r.checkCall('create_alias_1_2', 'CreateAlias', { FunctionName, Name: 'aliasname1_2', ...described });
    await r.checkCall('get_alias_1_2', 'GetAlias', { FunctionName, Name: 'aliasname1_2' });
    await r.checkCall('create_alias_1_3', 'CreateAlias', { FunctionName, Name: 'aliasname1_3', FunctionVersion: '1' });
    await r.checkCall('get_alias_1_3', 'GetAlias', { FunctionName, Name: 'aliasname1_3' });
    await r.checkCall('create_alias_2', 'CreateAlias', { FunctionName, Name: 'aliasname2', ...described, FunctionVersion: '2' });
    await r.checkCall('get_alias_2', 'GetAlias', { FunctionName, Name: 'aliasname2' });
    const { ResponseMetadata: _, ...pages } = await r.call('ListAliases', { FunctionName });
    r.check('list_aliases_for_fnname', pages);
    const unrouted = { FunctionName, Name: 'aliasname1_1', RoutingConfig: { AdditionalVersionWeights: {} } };
    await r.checkCall('update_alias_1_1', 'UpdateAlias', unrouted);
    await r.checkCall('get_alias_1_1_after_update', 'GetAlias', { FunctionName, Name: 'aliasname1_1' });
    await r.checkCall('list_aliases_for_fnname_after_update', 'ListAliases', { FunctionName });
    await r.checkCall('update_alias_1_2', 'UpdateAlias', { ...unrouted, Name: 'aliasname1_2' });
    await r.checkCall('get_alias_1_2_after_update', 'GetAlias', { FunctionName, Name: 'aliasname1_2' });
    await r.checkCall('list_aliases_for_fnname_after_update_2', 'ListAliases', { FunctionName });
    await r.checkCall('list_aliases_for_version', 'ListAliases', { FunctionName, FunctionVersion: '1' });
    await r.checkCall('delete_alias_response', 'DeleteAlias', { FunctionName, Name: 'aliasname1_1' });
    await r.checkCall('list_aliases_for_fnname_afterdelete', 'ListAliases', { FunctionName });
  },
  async test_non_existent_alias_update(r) {
    const FunctionName = r.name();
    const more = { Environment: { Variables: { testenv: 'staging' } } };
    await r.checkCall('create_response', 'CreateFunction', await r.functionOf(FunctionName, CODE, more));
    await r.checkCall('update_alias_response', 'UpdateAlias', { FunctionName, Name: 'non-existent' });
  },
};

const concurrency: Record<string, Scenario> = {
  async test_function_concurrency_exceptions(r) {
    const missing = { FunctionName: 'doesnotexist' };
    const put = 'PutFunctionConcurrency';
    await r.checkCall('put_function_concurrency_with_function_name_doesnotexist', put, { ...missing, ReservedConcurrentExecutions: 1 });
    await r.checkCall('put_function_concurrency_with_function_name_doesnotexist_and_invalid_concurrency', put, {
      ...missing,
      ReservedConcurrentExecutions: -1,
    });
    const name = await fixture(r, { Publish: true });
    const FunctionName = `arn:aws:lambda:us-east-1:${r.server.accountId}:function:${name}:1`;
    await r.checkCall('put_function_concurrency_with_qualified_arn', put, { FunctionName, ReservedConcurrentExecutions: 1 });
  },
  async test_function_concurrency(r) {
    const FunctionName = await fixture(r);
    const put = 'PutFunctionConcurrency';
    await r.checkCall('put_function_concurrency_with_reserved_0', put, { FunctionName, ReservedConcurrentExecutions: 0 });
    await r.checkCall('put_function_concurrency_with_reserved_1', put, { FunctionName, ReservedConcurrentExecutions: 1 });
    await r.checkCall('get_function_concurrency', 'GetFunctionConcurrency', { FunctionName });
    await r.checkCall('delete_response', 'DeleteFunctionConcurrency', { FunctionName });
    await r.checkCall('get_function_concurrency_after_delete', 'GetFunctionConcurrency', { FunctionName });
  },
  async test_function_concurrency_limits(r) {
    const FunctionName = await fixture(r);
    const { AccountLimit } = (await r.call('GetAccountSettings')) as unknown as {
      AccountLimit: { UnreservedConcurrentExecutions: number };
    };
    const free = AccountLimit.UnreservedConcurrentExecutions;
    const put = 'PutFunctionConcurrency';
    await r.checkCall('put_function_concurrency_account_limit_exceeded', put, { FunctionName, ReservedConcurrentExecutions: free + 1 });
    await r.checkCall('put_function_concurrency_below_unreserved_min_value', put, { FunctionName, ReservedConcurrentExecutions: free });
  },
};

const limits: Record<string, Scenario> = {
  async test_large_environment_variables_fails(r) {
    const more = { Environment: { Variables: { LARGE_VAR: 'x'.repeat(4081) } } };
    await r.checkCall('failed_create_fn_result', 'CreateFunction', await fixtureOf(r, r.name(), more));
  },
  async test_large_environment_fails_multiple_keys(r) {
    const more = { Environment: { Variables: { SMALL_VAR: 'ok', LARGE_VAR: 'x'.repeat(4064) } } };
    await r.checkCall('failured_create_fn_result_multi_key', 'CreateFunction', await fixtureOf(r, r.name(), more));
  },
  async test_lambda_envvars_near_limit_succeeds(r) {
    const more = { Environment: { Variables: { LARGE_VAR: 'x'.repeat(4080) } } };
    const { ResponseMetadata, ...made } = await r.call('CreateFunction', await fixtureOf(r, r.name(), more));
    r.check('successful_create_fn_result', { CreateFunctionResponse: { ...made, ResponseMetadata } });
  },
  async test_oversized_unzipped_lambda(r) {
    const name = r.name();
    const { Code: _, ...rest } = await r.functionOf(name, CODE);
    const { Code } = await r.functionOf(name, { 'index.py': '0'.repeat(262_144_001) });
    await r.checkCall('invalid_param_exc', 'CreateFunction', { ...rest, Code });
  },
  async test_account_settings(r) {
    const { AccountLimit, AccountUsage, ...rest } = await r.call('GetAccountSettings');
    const keys = (of: unknown): string[] => Object.keys(of as object).sort();
    r.check('acc_settings_modded', { ...rest, AccountLimit: keys(AccountLimit), AccountUsage: keys(AccountUsage) });
  },
  async test_account_settings_total_code_size_config_update(r) {
    const size = async (): Promise<number> =>
      ((await r.call('GetAccountSettings')) as unknown as { AccountUsage: { TotalCodeSize: number } }).AccountUsage.TotalCodeSize;
    const before = await size();
    const FunctionName = r.name();
    // As large as the code that was recorded.
    await r.call('CreateFunction', await r.functionOf(FunctionName, { 'index.py': randomBytes(400).toString('hex') }));
    const made = await size();
    r.check('is_total_code_size_diff_create_function_more_than_200', made - before > 200);
    await r.call('UpdateFunctionConfiguration', { FunctionName, Description: 'other' });
    const updated = await size();
    r.check('total_code_size_diff_update_function_configuration', updated - made);
    await r.call('PublishVersion', { FunctionName });
    r.check('is_total_code_size_diff_publish_version_after_config_update_more_than_200', (await size()) - updated > 200);
  },
};

const functions: Record<string, Scenario> = {
  async 'test_ops_with_arn_qualifier_mismatch[delete_function]'(r) {
    const arn = `arn:aws:lambda:us-east-1:${r.server.accountId}:function:some-function`;
    await r.checkCall('not_match_exception', 'DeleteFunction', { FunctionName: `${arn}:1`, Qualifier: '$LATEST' });
    await r.checkCall('match_exception', 'DeleteFunction', { FunctionName: `${arn}:$LATEST`, Qualifier: '$LATEST' });
  },
  async 'test_ops_on_nonexisting_version[get_function_event_invoke_config]'(r) {
    const FunctionName = await fixture(r);
    await r.checkCall('version_not_found_exception', 'GetFunctionEventInvokeConfig', { FunctionName, Qualifier: '1221' });
  },
  'test_ops_on_nonexisting_fn[delete_function]': (r) => nothing(r, 'DeleteFunction'),
  'test_ops_on_nonexisting_fn[get_function]': (r) => nothing(r, 'GetFunction'),
  'test_ops_on_nonexisting_fn[get_function_configuration]': (r) => nothing(r, 'GetFunctionConfiguration'),
  'test_ops_on_nonexisting_fn[get_function_url_config]': (r) => nothing(r, 'GetFunctionUrlConfig'),
  'test_ops_on_nonexisting_fn[get_function_code_signing_config]': (r) => nothing(r, 'GetFunctionCodeSigningConfig'),
  'test_ops_on_nonexisting_fn[get_function_event_invoke_config]': (r) => nothing(r, 'GetFunctionEventInvokeConfig'),
  'test_ops_on_nonexisting_fn[get_function_concurrency]': (r) => nothing(r, 'GetFunctionConcurrency'),
};

const urls: Record<string, Scenario> = {
  async test_url_config_deletion_without_qualifier(r) {
    const FunctionName = await fixture(r, { Publish: true });
    const alias = { FunctionName, Qualifier: 'test-alias' };
    await r.call('CreateAlias', { FunctionName, Name: 'test-alias', FunctionVersion: '1' });
    await r.checkCall('url_creation', 'CreateFunctionUrlConfig', { FunctionName, AuthType: 'NONE' });
    await r.checkCall('url_with_alias_creation', 'CreateFunctionUrlConfig', { ...alias, AuthType: 'NONE' });
    await r.checkCall('get_url_config', 'GetFunctionUrlConfig', { FunctionName });
    await r.checkCall('get_url_config_with_alias', 'GetFunctionUrlConfig', alias);
    await r.checkCall('delete_function_url_config', 'DeleteFunctionUrlConfig', { FunctionName });
    await r.checkCall('get_url_config_after_deletion', 'GetFunctionUrlConfig', { FunctionName });
    await r.checkCall('get_url_config_with_alias_after_deletion', 'GetFunctionUrlConfig', alias);
  },
};

function grouped(group: string, scenarios: Record<string, Scenario>): [string, Scenario][] {
  return Object.entries(scenarios).map(([name, scenario]) => [`${group}::${name}`, scenario]);
}

/** By the recording's name after its file. */
export const API_SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries([
  ...grouped('TestLambdaVersions', versions),
  ...grouped('TestLambdaAlias', aliases),
  ...grouped('TestLambdaReservedConcurrency', concurrency),
  ...grouped('TestLambdaSizeLimits', limits),
  ...grouped('TestLambdaAccountSettings', limits),
  ...grouped('TestLambdaFunction', functions),
  ...grouped('TestLambdaUrl', urls),
]);
