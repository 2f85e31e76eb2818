import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT, TestServer } from './platform-server.ts';

const SCRIPTS = join(ROOT, 'test/fixtures/sqs');
const missing = spawnSync('python3', ['-c', 'import boto3']).status === 0 ? false : 'boto3 is not installed';

describe('queues, by boto3', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start();
  });
  after(async () => {
    assert.deepEqual(await server.end(), []);
  });

  const run = async (script: string, ...args: string[]): Promise<string> => {
    const env = {
      PATH: process.env['PATH'] ?? '',
      AWS_SHARED_CREDENTIALS_FILE: join(server.home, 'credentials'),
      AWS_ENDPOINT_URL: server.endpoint,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
    const { stdout } = await promisify(execFile)('python3', [join(SCRIPTS, script), ...args], { env });
    return stdout.trim();
  };

  for (const protocol of ['json', 'query']) {
    test(
      `queues, messages, batches, waiting, FIFO, dead letters and the way back, in the ${protocol} protocol`,
      { skip: missing },
      async () => assert.equal(await run('queues.py', protocol), 'ok True'),
    );
  }

  test('what is refused, in SQS’s words, and what is taken at the edges', { skip: missing }, async () => {
    assert.equal(await run('edges.py'), 'ok');
  });

  test('a form is answered in XML, errors too, and rubbish is refused', { skip: false }, async () => {
    const post = (parameters: Record<string, string>, path = '/') =>
      fetch(`${server.endpoint}${path}`, { method: 'POST', body: new URLSearchParams(parameters) });
    const unsigned = await post({ Action: 'ListQueues' });
    assert.equal(unsigned.status, 403);
    assert.equal(unsigned.headers.get('content-type'), 'text/xml');
    assert.match(
      await unsigned.text(),
      /^<\?xml version="1.0"\?><ErrorResponse xmlns="[^"]*"><Error><Type>Sender<\/Type><Code>MissingAuthenticationToken<\/Code>/,
    );
  });
});
