import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { CreateFunctionCommand, InvokeCommand, LambdaClient, PublishLayerVersionCommand, type Runtime } from '@aws-sdk/client-lambda';
import { zipOf } from '../../src/control/testing/plane.ts';
import { abilities } from '../contracts/fork-driver-subject.ts';
import { Meeting } from './meeting.ts';
import { npmPackages } from './packages.ts';
import { TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

const NODE = `nodejs${process.versions.node.split('.')[0]}.x` as Runtime;

/** What an agent sent to the collector that it was told of. */
interface Sent {
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
}

/** A collector of OpenTelemetry, as far as taking what comes. */
async function openCollector(): Promise<{ url: string; sent: Sent[]; server: Server }> {
  const sent: Sent[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      sent.push({ path: request.url ?? '', type: request.headers['content-type'] ?? '', body });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent, server };
}

const noMounts = abilities.root ? abilities.noMounts : abilities.noUserNamespaces;

// It reads `/opt`, listens on `sandbox` and wraps the runtime: all of which takes mounts.
describe('an OpenTelemetry extension as it is published for Lambda, unmodified', { skip: noMounts ?? false }, () => {
  let server: TestServer;
  let lambda: LambdaClient;
  let collector: Awaited<ReturnType<typeof openCollector>>;

  before(async () => {
    server = await TestServer.start();
    lambda = new LambdaClient(clientOptions(server));
    collector = await openCollector();
  });
  after(async () => {
    lambda.destroy();
    assert.deepEqual(await server.end(), []);
    collector.server.closeAllConnections();
    collector.server.close();
  });

  /** Two instances, both busy at once, whose extensions listen on one port; the ids of their invocations. */
  async function together(size: number): Promise<string[]> {
    const meeting = new Meeting();
    await meeting.open();
    meeting.size = size;
    const Payload = JSON.stringify({ n: 1, meet: meeting.url });
    const answers = await Promise.all(
      Array.from({ length: size }, () => lambda.send(new InvokeCommand({ FunctionName: 'traced', Payload }))),
    );
    meeting.close();
    for (const { Payload: answer } of answers) assert.equal(Buffer.from(answer ?? []).toString(), '{"n":2}');
    return answers.map(({ $metadata }) => $metadata.requestId ?? '');
  }

  test('wraps the runtime, hears of each invocation, and sends traces and metrics of them', { timeout: 300_000 }, async (t) => {
    const found = await npmPackages({ '@serverless/aws-lambda-otel-extension-dist': '0.1.11' });
    if (found.missing !== null) return t.skip(found.missing);
    const ZipFile = await readFile(join(found.root, 'node_modules/@serverless/aws-lambda-otel-extension-dist/extension.zip'));
    const { LayerVersionArn = '' } = await lambda.send(new PublishLayerVersionCommand({ LayerName: 'otel', Content: { ZipFile } }));
    const { FunctionArn = '' } = await lambda.send(
      new CreateFunctionCommand({
        FunctionName: 'traced',
        Runtime: NODE,
        Handler: 'index.handler',
        Role: 'arn:aws:iam::000000000000:role/r',
        Code: {
          ZipFile: await zipOf({
            'index.js': 'exports.handler = async ({ n, meet }) => (meet && (await (await fetch(meet)).text()), { n: n + 1 });',
          }),
        },
        Layers: [LayerVersionArn],
        Timeout: 30,
        MemorySize: 512,
        Environment: {
          Variables: {
            AWS_LAMBDA_EXEC_WRAPPER: '/opt/otel-extension/otel-handler',
            SLS_OTEL_REPORT_TRACES_URL: `${collector.url}/traces`,
            SLS_OTEL_REPORT_METRICS_URL: `${collector.url}/metrics`,
          },
        },
      }),
    );
    const requestIds: string[] = [];
    for (const n of [1, 2]) {
      const { Payload, FunctionError, $metadata } = await lambda.send(
        new InvokeCommand({ FunctionName: 'traced', Payload: JSON.stringify({ n }) }),
      );
      assert.deepEqual([Buffer.from(Payload ?? []).toString(), FunctionError], [`{"n":${n + 1}}`, undefined]);
      requestIds.push($metadata.requestId ?? '');
    }
    if (abilities.noLoopbacks === null) requestIds.push(...(await together(2)));
    else t.diagnostic(`not with two instances at once, where it listens on one port: ${abilities.noLoopbacks}`);
    for (const requestId of requestIds) {
      const trace = await until(() => collector.sent.find(({ path, body }) => path === '/traces' && body.includes(requestId)));
      assert.equal(trace.type, 'application/x-protobuf');
      assert.ok(trace.body.includes(FunctionArn) && trace.body.includes('@opentelemetry/instrumentation-aws-lambda'));
    }
    // This one is only known from `platform.report` of the Logs API.
    const [first = ''] = requestIds;
    await until(() =>
      collector.sent.find(({ path, body }) => path === '/metrics' && body.includes(first) && body.includes('faas.billed_duration')),
    );
  });
});
