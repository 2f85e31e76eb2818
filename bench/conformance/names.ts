import type { Params } from './call.ts';
import type { Scenario } from './replay.ts';

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:my-function';
const a = (count: number): string => 'a'.repeat(count);

/** The names and qualifiers of the recordings, by case. */
const CASES: Readonly<Record<string, readonly [name: string, qualifier?: string]>> = {
  invalid_characters_in_function_name: ['my-function!'],
  invalid_characters_in_qualifier: ['my-function', 'invalid!'],
  qualifier_too_long0: ['my-function', a(129)],
  qualifier_too_long1: ['my-function', a(65)],
  qualifier_too_long: ['my-function', a(129)],
  invalid_account_id_in_partial_arn: ['invalid-account:function:my-function'],
  invalid_region_in_arn: ['arn:aws:lambda:invalid-region:000000000000:function:my-function'],
  non_lambda_arn: ['arn:aws:ec2:us-east-1:000000000000:instance:i-1234567890abcdef0'],
  function_name_too_long: [a(65)],
  function_name_too_long_and_invalid_region: [`arn:aws:lambda:invalid-region:000000000000:function:my-function${a(170)}`],
  full_arn_and_qualifier_too_long_and_invalid_region: [`arn:aws:lambda:invalid-region:000000000000:function:my-function-${a(170)}`, a(129)],
  full_arn_with_multiple_qualifiers: [`${ARN}:1:2`],
  incomplete_arn: ['arn:aws:lambda:us-east-1:000000000000:function'],
  partial_arn_with_extra_qualifier: ['function:my-function:$LATEST:extra'],
  latest_version_with_additional_qualifier: [`${ARN}:$LATEST`, '1'],
  lowercase_latest_qualifier: ['my-function', '$latest'],
  missing_region_in_arn: ['arn:aws:lambda::000000000000:function:my-function'],
  missing_account_id_in_arn: ['arn:aws:lambda:us-east-1::function:my-function'],
  misspelled_latest_in_arn: [`${ARN}:$LATES`],
  function_name_and_qualifier_too_long: [a(65), a(65)],
};

const OPERATIONS: Readonly<Record<string, string>> = {
  get_function: 'GetFunction',
  delete_function: 'DeleteFunction',
  invoke: 'Invoke',
  create_function: 'CreateFunction',
};

/** `test_function_name_and_qualifier_validation[CASE-OPERATION]` */
export function nameScenario(name: string): Scenario | null {
  const [, of = '', operation = ''] = /^TestLambdaFunction::test_function_name_and_qualifier_validation\[(\w+)-(\w+)\]$/.exec(name) ?? [];
  const given = CASES[of];
  const called = OPERATIONS[operation];
  if (given === undefined || called === undefined) return null;
  return async (replay) => {
    const [functionName, qualifier] = given;
    const creating = operation === 'create_function';
    const whole = creating && qualifier !== undefined ? `${functionName}:${qualifier}` : functionName;
    const params: Params = creating
      ? await replay.functionOf(whole, { 'index.py': '' })
      : { FunctionName: whole, ...(qualifier === undefined ? {} : { Qualifier: qualifier }) };
    const answer = await replay.call(called, params);
    const unrecorded = replay.unchecked().length === 0;
    if (unrecorded && 'Error' in answer)
      replay.differences.push(`AWS made a function of ${whole}; here: ${JSON.stringify(answer['Error'])}`);
    if (unrecorded) await replay.call('DeleteFunction', { FunctionName: whole.replace(/:a+$/, '') });
    else replay.check(`${operation}_exception`, faults(answer));
  };
}

/** An error in the form in which these were recorded: faults apart. */
function faults(answer: Record<string, unknown>): Record<string, unknown> {
  const { Code, Message = '' } = (answer['Error'] ?? {}) as { Code?: string; Message?: string };
  const counted = /^(\d+) validation errors? detected: ([\s\S]*)$/.exec(Message);
  if (counted === null) return { Code, Message };
  return { Code, Count: Number(counted[1]), Errors: (counted[2] ?? '').split(/; (?=Value )/) };
}
