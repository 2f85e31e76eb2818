import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPlane, zipOf, type TestPlane } from '../testing/plane.ts';

let plane: TestPlane;
let zip: string;
const role = 'arn:aws:iam::000000000000:role/r';

before(async () => {
  plane = await openPlane();
  zip = (await zipOf({ 'index.js': 'exports.handler = async () => 1' })).toString('base64');
});
after(() => plane.close());

async function call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: unknown) {
  const payload =
    body === undefined
      ? {}
      : { payload: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await plane.app.inject({ method, url, ...payload });
  const document = response.body === '' ? null : response.json<Record<string, never>>();
  return { status: response.statusCode, type: response.headers['x-amzn-errortype'], document, headers: response.headers };
}

function create(name: string, more: Record<string, unknown> = {}) {
  return call('POST', '/2015-03-31/functions', {
    FunctionName: name,
    Runtime: 'nodejs20.x',
    Handler: 'index.handler',
    Role: role,
    Code: { ZipFile: zip },
    ...more,
  });
}

test('create answers what AWS was recorded to answer', async () => {
  const { status, document } = await create('recorded', { Timeout: 10 });
  assert.equal(status, 201);
  const { CodeSha256, CodeSize, RevisionId, RuntimeVersionConfig, ...rest } = document ?? {};
  assert.ok(CodeSha256 && CodeSize && RevisionId && RuntimeVersionConfig);
  assert.deepEqual(rest, {
    Architectures: [process.arch === 'arm64' ? 'arm64' : 'x86_64'],
    Description: '',
    EphemeralStorage: { Size: 512 },
    FunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:recorded',
    FunctionName: 'recorded',
    Handler: 'index.handler',
    LastModified: '2026-11-22T12:00:00.000+0000',
    LoggingConfig: { LogFormat: 'Text', LogGroup: '/aws/lambda/recorded' },
    MemorySize: 128,
    PackageType: 'Zip',
    Role: role,
    Runtime: 'nodejs20.x',
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    State: 'Pending',
    StateReason: 'The function is being created.',
    StateReasonCode: 'Creating',
    Timeout: 10,
    TracingConfig: { Mode: 'PassThrough' },
    Version: '$LATEST',
  });
  const got = await call('GET', '/2015-03-31/functions/recorded/configuration?Qualifier=$LATEST');
  assert.equal(got.document?.['State'], 'Active');
  assert.equal(got.document?.['LastUpdateStatus'], 'Successful');
  assert.equal(got.document?.['FunctionArn'], 'arn:aws:lambda:us-east-1:000000000000:function:recorded:$LATEST');
});

test('errors carry AWS’s type, status and words', async () => {
  const missing = await call('GET', '/2015-03-31/functions/nope');
  assert.deepEqual(
    [missing.status, missing.type, missing.document],
    [
      404,
      'ResourceNotFoundException',
      { Type: 'User', Message: 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope' },
    ],
  );
  assert.ok(missing.headers['x-amzn-requestid']);
  const url = await call('GET', '/2021-10-31/functions/nope/url');
  assert.deepEqual(url.document, { Type: 'User', Message: 'The resource you requested does not exist.' });
  const conc = await call('PUT', '/2017-10-31/functions/nope/concurrency', { ReservedConcurrentExecutions: 1 });
  assert.deepEqual(conc.document, {
    Type: 'User',
    Message: 'Function not found: arn:aws:lambda:us-east-1:000000000000:function:nope:$LATEST',
  });
  await create('twice');
  const twice = await create('twice');
  assert.deepEqual([twice.status, twice.document], [409, { Type: 'User', message: 'Function already exist: twice' }]);
  const latest = await call('DELETE', '/2015-03-31/functions/twice?Qualifier=%24LATEST');
  assert.deepEqual(
    [latest.status, latest.document],
    [400, { Type: 'User', message: '$LATEST version cannot be deleted without deleting the function.' }],
  );
  const stale = await call('PUT', '/2015-03-31/functions/twice/configuration', { RevisionId: 'other', Timeout: 4 });
  assert.equal(stale.status, 412);
});

test('what may not be is refused before anything is made', async () => {
  const cases: [Record<string, unknown>, number, string, RegExp][] = [
    [
      { Role: undefined },
      400,
      'ValidationException',
      /^1 validation error detected: Value null at 'role' failed to satisfy constraint: Member must not be null$/,
    ],
    [
      { Role: 'me', Timeout: 901 },
      400,
      'ValidationException',
      /^2 validation errors detected: Value 'me' at 'role' .*; Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900$/,
    ],
    [{ MemorySize: 64 }, 400, 'ValidationException', /'64' at 'memorySize' .* greater than or equal to 128/],
    [
      { Runtime: 'nodejs99.x' },
      400,
      'InvalidParameterValueException',
      /^Value nodejs99\.x at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: \[nodejs, .*\] or be a valid ARN$/,
    ],
    [{ Runtime: undefined }, 400, 'InvalidParameterValueException', /^Runtime and Handler are mandatory/],
    [{ MemorySize: '128' }, 400, 'InvalidRequestContentException', /'memorySize' must be an integer/],
    [{ FunctionName: 'a'.repeat(65) }, 400, 'InvalidParameterValueException', /at 'functionName' .* less than or equal to 64$/],
    [{ FunctionName: 'my-fn:1:2' }, 400, 'ValidationException', /at 'functionName'/],
    [{ FunctionName: 'a'.repeat(141) }, 400, 'ValidationException', /less than or equal to 140/],
    [
      { Environment: { Variables: { LARGE_VAR: 'x'.repeat(4081) } } },
      400,
      'InvalidParameterValueException',
      /exceeded the 4KB limit\. String measured: \{"LARGE_VAR":"x+"\}$/,
    ],
    [
      { Environment: { Variables: { AWS_REGION: 'x' } } },
      400,
      'InvalidParameterValueException',
      /reserved keys .* Reserved keys used in this request: AWS_REGION$/,
    ],
    [
      { PackageType: 'Image' },
      400,
      'InvalidParameterValueException',
      /^Hearth does not serve PackageType Image \(container images\): leave it out/,
    ],
    [
      { Code: { ImageUri: 'registry/image:tag' } },
      400,
      'InvalidParameterValueException',
      /^Hearth does not serve container images: send a zip\.$/,
    ],
    [{ Code: {} }, 400, 'InvalidParameterValueException', /^Please provide a source for function code\.$/],
    [
      { Code: { ZipFile: 'bm8gemlw' } },
      400,
      'InvalidParameterValueException',
      /^Could not unzip uploaded file\. Please check your file, then try to upload again\.$/,
    ],
    [
      { Layers: ['arn:aws:lambda:us-east-1:000000000000:layer:l:1'] },
      400,
      'InvalidParameterValueException',
      /^Layer version arn:aws:lambda:us-east-1:000000000000:layer:l:1 does not exist\.$/,
    ],
    [{ Code: null }, 400, 'ValidationException', /'code'/],
  ];
  for (const [more, status, type, message] of cases) {
    const answer = await create('refused', more);
    const text = String(answer.document?.['message'] ?? answer.document?.['Message']);
    assert.deepEqual([answer.status, answer.type], [status, type], `${JSON.stringify(more).slice(0, 80)} ${text}`);
    assert.match(text, message);
  }
  assert.equal(plane.registry.get('refused'), null);
});

test('every name of a runtime in Lambda’s model is taken', async () => {
  for (const runtime of ['provided.al2023', 'java25', 'ruby4.0', 'python3.14'])
    assert.equal((await create(`rt-${runtime.replace('.', '-')}`, { Runtime: runtime })).status, 201);
});

test('garbage is answered as AWS’s errors are, and is never our fault', async () => {
  const answers = [
    await call('POST', '/2015-03-31/functions', '{"FunctionName":'),
    await call('POST', '/2015-03-31/functions', '[1]'),
    await call('POST', '/2015-03-31/functions', '"x"'),
    await call('POST', '/2015-03-31/functions'),
    await call('POST', '/2015-03-31/functions', { FunctionName: 7 }),
    await call('POST', '/2015-03-31/functions', { FunctionName: 'x', Role: role, Code: [], Environment: 'e' }),
    await call('GET', '/2015-03-31/functions/%zz'),
    await call('GET', `/2015-03-31/functions/${'x'.repeat(2000)}`),
    await call('GET', '/2015-03-31/functions?MaxItems=zero'),
    await call('GET', '/2015-03-31/functions?MaxItems=0'),
    await call('GET', '/2015-03-31/functions?Marker=!!'),
    await call('GET', '/2015-03-31/layers'),
    await call('GET', '/2018-10-31/layers/l/versions/one'),
    await call('PUT', '/2099-01-01/anything/at/all', { a: 1 }),
    await call('DELETE', '/2015-03-31/functions'),
    await call('GET', '/2017-03-31/tags/not-an-arn!'),
    await call('POST', '/2015-03-31/functions/twice/code'),
  ];
  for (const { status, type, document } of answers) {
    assert.ok(status >= 400 && status < 500, `${status} ${JSON.stringify(document)}`);
    assert.ok(typeof type === 'string');
    assert.ok(typeof (document?.['message'] ?? document?.['Message']) === 'string');
  }
  assert.deepEqual(plane.reported, []);
});

test('a request beyond Lambda’s limit gets 413 in its words', async () => {
  const response = await plane.app.inject({
    method: 'POST',
    url: '/2015-03-31/functions',
    headers: { 'content-length': '70167212', 'content-type': 'application/json' },
    payload: '{}',
  });
  assert.equal(response.statusCode, 413);
  assert.deepEqual(response.json(), {
    Type: 'User',
    message: 'Request must be smaller than 70167211 bytes for the CreateFunction operation',
  });
});

test('our own failures are a 500 without inner words, and are reported', async () => {
  plane.store.failNext = new Error('secret of the database');
  const answer = await create('unlucky');
  assert.deepEqual(
    [answer.status, answer.type, answer.document],
    [500, 'ServiceException', { Type: 'Service', Message: 'An internal error occurred.' }],
  );
  assert.match(String(plane.reported.pop()), /secret/);
});

test('code updates: dry run, dependencies kept for the same zip, gone with another', async () => {
  await create('code');
  const before = plane.registry.get('code');
  const other = (await zipOf({ 'index.js': 'exports.handler = async () => 2' })).toString('base64');
  const dry = await call('PUT', '/2015-03-31/functions/code/code', { ZipFile: other, DryRun: true });
  assert.equal(dry.status, 200);
  assert.notEqual(dry.document?.['CodeSha256'], before?.codeSha256);
  assert.equal(plane.registry.get('code'), before);
  await plane.registry.update('code', () => ({ dependencies: 'd'.repeat(64) }));
  await call('PUT', '/2015-03-31/functions/code/code', { ZipFile: zip });
  assert.equal(plane.registry.get('code')?.dependencies, 'd'.repeat(64));
  const updated = await call('PUT', '/2015-03-31/functions/code/code', { ZipFile: other });
  assert.equal(updated.document?.['LastUpdateStatus'], 'InProgress');
  assert.equal(plane.registry.get('code')?.dependencies, null);
});
