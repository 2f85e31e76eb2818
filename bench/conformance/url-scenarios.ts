import { signedFetch } from '../../test/scenarios/server-credentials.ts';
import type { Answer, Params } from './call.ts';
import type { Replay, Scenario } from './replay.ts';

const ECHO = 'def handler(event, context):\n    return event\n';
const NODE_ECHO = 'exports.handler = async (event) => event;';

const requests: Record<string, Scenario> = {
  async test_request_id_invoke_url(r) {
    const fn = await r.python('def handler(event, context):\n    return "hi"\n');
    await publicUrl(r, fn);
    const response = await fetch(`${r.server.endpoint}/fn/${fn}/`);
    const id = response.headers.get('x-amzn-requestid');
    r.check('lambda_url_invocation', { statuscode: response.status, content: await response.text(), headers: { 'x-amzn-RequestId': id } });
    const ends = await logLines(r, fn, /^END RequestId/);
    r.check('end_log_entries', ends);
  },
};

async function logLines(r: Replay, fn: string, wanted: RegExp): Promise<string[]> {
  const response = await signedFetch(r.server, `/hearth/v1/logs?function=${fn}`);
  const lines = (await response.text()).trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { text?: string }).text ?? '').filter((text) => wanted.test(text));
}

const urls: Record<string, Scenario> = {
  'test_lambda_url_invocation[dict]': returning('{"hello": "world"}'),
  'test_lambda_url_invocation[list-mixed]': returning('["hello", 3, True]'),
  'test_lambda_url_invocation[string]': returning('"hello"'),
  'test_lambda_url_invocation[integer]': returning('3'),
  'test_lambda_url_invocation[boolean]': returning('True'),
  /** Nothing was recorded but that what the function says of its answer is what the client sees. */
  async test_lambda_url_headers_and_status(r) {
    const fn = await r.python(
      'def handler(event, context):\n    return {"statusCode": 418, "headers": {"X-Made-By": "handler", "content-type": "text/teapot"}, "body": "short and stout"}\n',
    );
    await r.call('CreateFunctionUrlConfig', { FunctionName: fn, AuthType: 'NONE' });
    const response = await fetch(`${r.server.endpoint}/fn/${fn}/`);
    const seen = [response.status, response.headers.get('x-made-by'), response.headers.get('content-type'), await response.text()];
    if (seen.join() !== '418,handler,text/teapot,short and stout') r.differences.push(`the URL answers ${seen.join(', ')}`);
  },
  async test_lambda_url_invocation_exception(r) {
    const fn = await r.python('def handler(event, context):\n    raise Exception("x")\n', { Environment: { Variables: {} } });
    await r.checkCall('get_fn_result', 'GetFunction', { FunctionName: fn });
    await publicUrl(r, fn);
    const response = await fetch(`${r.server.endpoint}/fn/${fn}/`);
    if (response.status !== 502) r.differences.push(`the URL answers ${response.status}`);
  },
  async test_lambda_url_invalid_invoke_mode(r) {
    const FunctionName = await r.python(ECHO);
    const wrong = { FunctionName, AuthType: 'NONE', InvokeMode: 'UNKNOWN' };
    await r.checkCall('invoke_function_invalid_invoke_type', 'CreateFunctionUrlConfig', wrong);
  },
  async 'test_lambda_url_echo_invoke[RESPONSE_STREAM]'(r) {
    await publicUrl(r, await r.node(NODE_ECHO), { InvokeMode: 'RESPONSE_STREAM' });
  },
  async test_function_url_with_response_streaming(r) {
    const code = `exports.handler = awslambda.streamifyResponse(async (event, stream) => { stream.write('Hello, '); stream.write('world!'); stream.end(); });`;
    const fn = await r.node(code);
    await r.call('CreateFunctionUrlConfig', { FunctionName: fn, AuthType: 'NONE', InvokeMode: 'RESPONSE_STREAM' });
    const response = await fetch(`${r.server.endpoint}/fn/${fn}/`);
    r.check('response_status', response.status);
    r.check('response_data', await response.text());
  },
  async test_lambda_url_echo_http_fixture_default(r) {
    const fn = await echoFixture(r);
    const url = `${r.server.endpoint}/fn/${fn}/pa2%Fth/1?q=query&multiQuery=foo&multiQuery=%2Fbar`;
    const headers = {
      'content-type': 'application/json',
      'ExTrA-HeAdErs': 'With WeiRd CapS',
      'user-agent': 'test/echo',
      'accept-encoding': 'gzip, deflate',
    };
    const event = (await (await fetch(url, { method: 'POST', headers, body: '{"foo": "bar"}' })).json()) as Answer;
    // What AWS's load balancer adds of TLS has no counterpart on plain HTTP.
    const added = { 'x-amzn-tls-cipher-suite': '-', 'x-amzn-tls-version': '-', 'x-amzn-trace-id': '-' };
    r.check('url_response', { ...event, headers: { ...added, ...withoutFetch(event['headers'] as Answer) } });
  },
  async test_lambda_url_form_payload(r) {
    const fn = await echoFixture(r);
    const b = '4efd159eae0c4f4e125a5a509e073d85';
    const parts = `\r\n--${b}\r\nContent-Disposition: form-data; name="formfield"\r\n\r\nnot a file, just a field\r\n--${b}\r\nContent-Disposition: form-data; name="foo"; filename="foo"\r\nContent-Type: text/plain;\r\n\r\nbar\r\n\r\n--${b}--\r\n`;
    const headers = {
      'content-type': `multipart/form-data; boundary=${b}`,
      'user-agent': 'python/test-request',
      'accept-encoding': 'gzip, deflate',
    };
    const event = (await (
      await fetch(`${r.server.endpoint}/fn/${fn}/test/value`, { method: 'POST', headers, body: parts })
    ).json()) as Answer;
    const seen = withoutFetch(event['headers'] as Answer);
    const forwarded = Object.fromEntries(Object.entries(seen).filter(([name]) => !name.startsWith('x-forwarded')));
    r.check('url_response', { ...event, headers: forwarded });
  },
};

/** The recordings' own echo, which answers what it saw of the event. */
function echoFixture(r: Replay): Promise<string> {
  const code = `import json
def handler(event, context):
    http = event["requestContext"]["http"]
    body = event.get("body", "")
    try:
        data = json.loads(body)
    except Exception:
        data = body
    return {"args": event.get("queryStringParameters", {}), "data": data, "domain": event["requestContext"]["domainName"], "headers": event["headers"], "method": http["method"], "origin": http["sourceIp"], "path": http["path"]}
`;
  return r.python(code).then(async (fn) => {
    await r.call('CreateFunctionUrlConfig', { FunctionName: fn, AuthType: 'NONE' });
    return fn;
  });
}

/** Without what fetch adds and the recorded client did not; a connection's host has a port here. */
function withoutFetch(headers: Answer): Answer {
  const own = new Set(['connection', 'accept-language', 'sec-fetch-mode']);
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !own.has(name))
      .map(([n, v]) => [n, n === 'host' ? String(v).replace(/:\d+$/, '') : v]),
  );
}

function returning(value: string): Scenario {
  return async (r) => {
    const fn = await r.python(`def handler(event, context):\n    return ${value}\n`);
    await publicUrl(r, fn);
    const response = await fetch(`${r.server.endpoint}/fn/${fn}/`);
    const content = await response.text();
    const headers = { 'Content-Length': response.headers.get('content-length'), 'Content-Type': response.headers.get('content-type') };
    r.check('lambda_url_invocation', { statuscode: response.status, content, headers });
  };
}

async function publicUrl(r: Replay, FunctionName: string, more: Params = {}): Promise<void> {
  await r.checkCall('create_lambda_url_config', 'CreateFunctionUrlConfig', { FunctionName, AuthType: 'NONE', ...more });
  const permission = { StatementId: 'urlPermission', Action: 'lambda:InvokeFunctionUrl', Principal: '*', FunctionUrlAuthType: 'NONE' };
  await r.checkCall('add_permission', 'AddPermission', { FunctionName, ...permission });
}

function grouped(group: string, scenarios: Record<string, Scenario>): [string, Scenario][] {
  return Object.entries(scenarios).map(([name, scenario]) => [`${group}::${name}`, scenario]);
}

/** What of the recordings goes by function URLs. */
export const URL_SCENARIOS: Readonly<Record<string, Scenario>> = Object.fromEntries([
  ...grouped('TestRequestIdHandling', requests),
  ...grouped('TestLambdaURL', urls),
]);
