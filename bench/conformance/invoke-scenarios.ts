import { callLambda, type Answer, type Params } from './call.ts';
import { NoCounterpart, type Replay, type Scenario } from './replay.ts';

const ECHO = 'def handler(event, context):\n    print(event)\n    return event\n';
const NODE_ECHO = 'exports.handler = async (event) => { console.log(event); return event; };';
const JSON_BODY = '{}';

function invoke(r: Replay, FunctionName: string, Payload = JSON_BODY, more: Params = {}): Promise<Answer> {
  return r.call('Invoke', { FunctionName, Payload, ...more });
}

/** An invocation, as it was recorded where only its outcome counts. */
function checkInvoke(name: string, language: 'node' | 'python', more: Params, bare: boolean): Scenario {
  return async (r) => {
    const fn = await (language === 'node' ? r.node(NODE_ECHO) : r.python(ECHO));
    const answer = await invoke(r, fn, JSON_BODY, more);
    r.check(name, bare ? { ...answer, ExecutedVersion: undefined } : answer);
  };
}

/** What an invocation wrote, from the log tail. */
function logOf(answer: Answer): string {
  return Buffer.from((answer['LogResult'] as string | undefined) ?? '', 'base64').toString();
}

const features: Record<string, Scenario> = {
  'test_invocation_type_request_response[python3.9]': checkInvoke('invoke-result', 'python', { InvocationType: 'RequestResponse' }, false),
  'test_invocation_type_request_response[nodejs16.x]': checkInvoke('invoke-result', 'node', { InvocationType: 'RequestResponse' }, false),
  'test_invocation_type_event[python3.9]': checkInvoke('invoke-result', 'python', { InvocationType: 'Event' }, false),
  'test_invocation_type_event[python3.10]': checkInvoke('invoke-result', 'python', { InvocationType: 'Event' }, false),
  'test_invocation_type_event[nodejs16.x]': checkInvoke('invoke-result', 'node', { InvocationType: 'Event' }, false),
  'test_invocation_type_dry_run[python3.10]': checkInvoke('invoke-result', 'python', { InvocationType: 'DryRun' }, true),
  'test_invocation_type_dry_run[nodejs16.x]': checkInvoke('invoke-result', 'node', { InvocationType: 'DryRun' }, true),
  async 'test_invocation_type_no_return_payload[python-RequestResponse]'(r) {
    r.check('invoke-result', await invoke(r, await r.python('def handler(e, c):\n    print("x")\n')));
  },
  async 'test_invocation_type_no_return_payload[nodejs-RequestResponse]'(r) {
    r.check('invoke-result', await invoke(r, await r.node('exports.handler = async () => { console.log(1); };')));
  },
  async 'test_invocation_with_logs[nodejs16.x]'(r) {
    const answer = await invoke(r, await r.node(NODE_ECHO), JSON_BODY, { LogType: 'Tail' });
    r.check('invoke', answer);
    const lines = logOf(answer).split(/(?<=\n)/);
    r.check('logs', { logs: anonymous(lines) });
  },
  async test_invocation_with_qualifier(r) {
    const code = `import logging
logging.getLogger().setLevel(logging.INFO)
def handler(event, context):
    print("Lambda log message - print function")
    logging.getLogger().info("Lambda log message - logging module")
    names = ["invoked_function_arn", "function_version", "function_name", "memory_limit_in_mb", "aws_request_id", "log_group_name", "log_stream_name", "client_context"]
    return {"event": event, "context": {n: getattr(context, n) for n in names}}
`;
    if (r.server.python === null) throw new NoCounterpart('no Python is installed here');
    r.words({ 'python3.12': r.server.python });
    const FunctionName = r.name();
    const of = await r.functionOf(
      FunctionName,
      { 'handler.py': code },
      { Handler: 'handler.handler', Timeout: 10, Runtime: r.server.python, Publish: true },
    );
    await r.checkCall('creation-response', 'CreateFunction', of);
    const answer = await invoke(r, FunctionName, JSON.stringify({ foo: 'bar with \'quotes"' }), { Qualifier: '1', LogType: 'Tail' });
    r.check('invocation-response', answer);
    const lines = logOf(answer).trim().split('\n');
    r.check('log_result', { log_result: lines.filter((line) => !line.startsWith('REPORT')).map(dated) });
  },
  async test_invoke_exceptions(r) {
    await r.checkCall('invoke_function_doesnotexist', 'Invoke', { FunctionName: 'doesnotexist' });
  },
};

const errors: Record<string, Scenario> = {
  async test_lambda_handler_error(r) {
    await failing(r, 'lambda_handler_error', 'def handler(event, context):\n    raise Exception("Handler fails")\n');
  },
  async test_lambda_handler_exit(r) {
    await failing(r, 'lambda_handler_exit', 'import sys\ndef handler(event, context):\n    sys.exit(0)\n');
  },
  async test_lambda_runtime_error(r) {
    await failing(r, 'lambda_runtime_error', 'raise Exception("Runtime startup fails")\n', { seen: asRecordedPython });
  },
  async test_lambda_runtime_exit(r) {
    await failing(r, 'lambda_runtime_exit', 'import sys\nsys.exit(0)\ndef handler(event, context):\n    pass\n');
  },
  async test_lambda_runtime_wrapper_not_found(r) {
    const more = { params: { Environment: { Variables: { AWS_LAMBDA_EXEC_WRAPPER: '/idontexist.sh' } } } };
    await failing(r, 'handler', 'def handler(event, context):\n    pass\n', more);
  },
  'test_lambda_invoke_payload_encoding_error[body-n\\x87r\\x9e\\xe9\\xb5\\xd7I\\xee\\x9bmt]': (r) =>
    unparsable(r, 'body', '6e87729ee9b5d749ee9b6d74'),
  'test_lambda_invoke_payload_encoding_error[message-\\x99\\xeb,j\\x07\\xa1zYh]': (r) => unparsable(r, 'message', '99eb2c6a07a17a5968'),
};

async function unparsable(r: Replay, name: string, hex: string): Promise<void> {
  const FunctionName = await r.node(NODE_ECHO);
  await r.checkCall(`invoke_function_invalid_payload_${name}`, 'Invoke', { FunctionName, Payload: Buffer.from(hex, 'hex') });
}

/** Lines of Python's own import system in the version that was recorded, 3.13. */
const PYTHON_LINES: Readonly<Record<string, number>> = {
  import_module: 88,
  _gcd_import: 1387,
  _find_and_load: 1360,
  _find_and_load_unlocked: 1331,
  _load_unlocked: 935,
  exec_module: 1027,
  _call_with_frames_removed: 488,
};

/** An answer as the recorded version of Python gives it: where its own modules lie, and their lines, are another's here. */
function asRecordedPython(answer: Answer): Answer {
  const Payload = JSON.parse(String(answer['Payload'])) as { stackTrace?: string[] };
  const stackTrace = Payload.stackTrace?.map((frame) =>
    frame
      .replace(/"[^"]*(?=\/importlib\/__init__\.py")/, '"/var/lang/lib/python3.13')
      .replace(/(importlib[^"]*", line )\d+, in (\w+)/, (_, at: string, name: string) => `${at}${PYTHON_LINES[name] ?? 0}, in ${name}`),
  );
  return { ...answer, Payload: { ...Payload, stackTrace } };
}

async function failing(
  r: Replay,
  module: string,
  code: string,
  { params = {}, seen = (answer) => answer }: { params?: Params; seen?: (answer: Answer) => Answer } = {},
): Promise<void> {
  if (r.server.python === null) throw new NoCounterpart('no Python is installed here');
  const FunctionName = r.name();
  const files = { [`${module}.py`]: code };
  const of = { Handler: `${module}.handler`, Timeout: 30, Runtime: r.server.python, ...params };
  await r.call('CreateFunction', await r.functionOf(FunctionName, files, of));
  r.check('invocation_error', seen(await invoke(r, FunctionName)));
}

const requests: Record<string, Scenario> = {
  async test_request_id_invoke(r) {
    const code = `import logging
logging.getLogger().setLevel(logging.INFO)
def handler(event, context):
    logging.getLogger().info("RequestId log message")
    return context.aws_request_id
`;
    const answer = await invoke(r, await r.python(code), JSON_BODY, { LogType: 'Tail' });
    r.check('invoke_result', { ...answer, LogResult: undefined });
    r.check('log_entries', {
      logs: anonymous(
        logOf(answer)
          .trim()
          .split('\n')
          .map((line) => line.trimEnd()),
      ),
    });
  },
};

const behaviour: Record<string, Scenario> = {
  async test_runtime_ulimits(r) {
    const code = `import resource
def handler(event, context):
    names = [n for n in dir(resource) if n.startswith("RLIMIT_") and n[7:] in ("AS", "CORE", "CPU", "DATA", "FSIZE", "MEMLOCK", "NOFILE", "NPROC", "RSS", "STACK")]
    return {n: resource.getrlimit(getattr(resource, n)) for n in names}
`;
    r.check('invoke_runtime_ulimits', await invoke(r, await r.python(code)));
  },
  async test_lambda_invoke_timed_out_environment_reuse(r) {
    const code = `import os, time
number = 0
def handler(event, context):
    global number
    if "sleep" in event: time.sleep(event["sleep"])
    if "write" in event:
        with open("/tmp/f", "w") as f: f.write(event["write"])
        return None
    if "read" in event:
        with open("/tmp/f") as f: return {"content": f.read()}
    if "set" in event:
        number = event["set"]
        return None
    return {"number": number}
`;
    if (r.server.python === null) throw new NoCounterpart('no Python is installed here');
    r.words({ 'python3.12': r.server.python });
    const FunctionName = r.name();
    const more = { Handler: 'handler.handler', Timeout: 1, Runtime: r.server.python, Environment: { Variables: {} } };
    const made = await r.call('CreateFunction', await r.functionOf(FunctionName, { 'handler.py': code }, more));
    r.check('create-result', { CreateFunctionResponse: made });
    const step = async (name: string, event: unknown): Promise<void> => {
      r.check(`invoke-result-${name}`, await invoke(r, FunctionName, JSON.stringify(event)));
    };
    await step('file-write', { write: 'some-content' });
    await step('file-read', { read: true });
    await step('set-number', { set: 42 });
    await step('read-number', {});
    await step('timed-out', { sleep: 2 });
    await step('file-read-after-timeout', { read: true });
    await step('read-number-after-timeout', {});
  },
};

const concurrency: Record<string, Scenario> = {
  async test_lambda_concurrency_block(r) {
    const FunctionName = await r.python('def handler(event, context):\n    return {"hello": "world"}\n', {
      Environment: { Variables: {} },
    });
    await r.checkCall('v1_result', 'PublishVersion', { FunctionName });
    const reserve = { FunctionName, ReservedConcurrentExecutions: 1 };
    await r.checkCall('reserved_concurrency_result', 'PutFunctionConcurrency', reserve);
    r.check('invoke_latest_before_block', await invoke(r, FunctionName));
    const version = { FunctionName, Qualifier: '1' };
    await r.checkCall('provisioned_concurrency_result', 'PutProvisionedConcurrencyConfig', {
      ...version,
      ProvisionedConcurrentExecutions: 1,
    });
    await provisioned(r, version);
    r.check('invoke_latest_first_exc', await invoke(r, FunctionName));
    r.check('invoke_v1_after_block', await invoke(r, FunctionName, JSON_BODY, { Qualifier: '1' }));
    r.check('invoke_latest_second_exc', await invoke(r, FunctionName));
  },
};

/** Asks until the instances are there, as scripts do. */
async function provisioned(r: Replay, version: Params): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const { Status } = await callLambda(r.server, 'GetProvisionedConcurrencyConfig', version);
    if (Status === 'READY') return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  r.differences.push('provisioned concurrency never became READY');
}

/** Log lines with what varies taken out, as the recordings have it. */
function anonymous(lines: readonly string[]): string[] {
  return lines.map((line) =>
    dated(line)
      .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<request-id>')
      .replace(/(Duration: )[\d.]+ ms/g, '$1<duration> ms')
      .replace(/(Used: )\d+ MB/g, '$1<memory> MB'),
  );
}

function dated(line: string): string {
  return line.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, 'date');
}

function grouped(group: string, scenarios: Record<string, Scenario>): [string, Scenario][] {
  return Object.entries(scenarios).map(([name, scenario]) => [`${group}::${name}`, scenario]);
}

export const INVOKE_SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries([
  ...grouped('TestLambdaFeatures', features),
  ...grouped('TestLambdaErrors', errors),
  ...grouped('TestRequestIdHandling', requests),
  ...grouped('TestLambdaBehavior', behaviour),
  ...grouped('TestLambdaConcurrency', concurrency),
]);
