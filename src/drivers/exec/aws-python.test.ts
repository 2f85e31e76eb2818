import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { InitFailure, type DriverInstance } from '../../fleet/driver.ts';
import { CollectedLog, invocation, openExecDriver, startSpec } from './testing/fixtures.ts';

const HANDLER = `
import os
def lambda_handler(event, context):
    print("printed for", context.aws_request_id)
    if event.get("fail"):
        raise ValueError("on purpose")
    return {"event": event, "arn": context.invoked_function_arn, "client": context.client_context.custom, "stream": context.log_stream_name,
            "remaining": context.get_remaining_time_in_millis() > 0}
`;

describe('AWS’s own Python runtime interface client, unmodified', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-ric-'));
  const { driver, close } = openExecDriver(6 << 20);
  let unavailable = '';

  before(() => {
    const pip = spawnSync('python3', ['-m', 'pip', 'install', '--quiet', '--no-input', '--target', join(folder, 'ric'), 'awslambdaric'], {
      timeout: 240_000,
    });
    if (pip.status !== 0) unavailable = `awslambdaric can't be installed: ${pip.error?.message ?? pip.stderr.toString().slice(-300)}`;
    writeFileSync(join(folder, 'lambda_function.py'), HANDLER);
    writeFileSync(join(folder, 'bootstrap'), '#!/bin/sh\nexport PYTHONPATH="$PWD/ric:$PWD"\nexec python3 -m awslambdaric "$_HANDLER"\n', {
      mode: 0o755,
    });
  });
  after(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (handler: string, log: CollectedLog): Promise<DriverInstance> =>
    driver.start(startSpec(folder, { environment: { _HANDLER: handler } }), { instanceId: 'i', logStream: 'stream', log });

  it('serves invocations and reports errors', async (t) => {
    if (unavailable !== '') return t.skip(unavailable);
    const log = new CollectedLog();
    const instance = await start('lambda_function.lambda_handler', log);
    const good = await instance.invoke(invocation({ n: 1 }, 'r-1'), Date.now() + 60_000);
    await good.logged;
    const { errorType, body } = good;
    assert.equal(errorType, null);
    assert.deepEqual(JSON.parse(body.toString()), {
      event: { n: 1 },
      arn: 'arn:demo',
      client: { name: 'é\n' },
      stream: 'stream',
      remaining: true,
    });
    assert.deepEqual(log.of('r-1'), ['printed for r-1']);
    const bad = await instance.invoke(invocation({ fail: true }, 'r-2'), Date.now() + 60_000);
    assert.equal(bad.errorType, 'ValueError');
    const document = JSON.parse(bad.body.toString()) as { errorMessage: string; requestId: string };
    assert.deepEqual([document.errorMessage, document.requestId], ['on purpose', 'r-2']);
    await instance.kill();
  });

  it('reports a failed init phase', async (t) => {
    if (unavailable !== '') return t.skip(unavailable);
    await assert.rejects(start('nothing_here.handler', new CollectedLog()), (error: unknown) => {
      assert.ok(error instanceof InitFailure);
      const { errorMessage } = JSON.parse(error.body.toString()) as { errorMessage: string };
      assert.deepEqual(
        [error.errorType, errorMessage],
        ['Runtime.ImportModuleError', "Unable to import module 'nothing_here': No module named 'nothing_here'"],
      );
      return true;
    });
  });
});
