import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HearthError } from '../errors.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { Away } from './away.ts';
import { createLogger } from './logger.ts';

const err = new HearthError('ServiceUnavailable', 'The database is not available.');

test('what fails while the database is away is said once in ten seconds, with how often it was not; all else each time', async () => {
  const clock = new VirtualClock();
  const away = new Away(clock);
  assert.deepEqual([away.pass({ err }, 'an S3 request failed'), away.pass({ err }, 'an SQS request failed')], [{}, {}]);
  for (let i = 0; i < 170; i++) assert.equal(away.pass({ err }, 'an S3 request failed'), null);
  await clock.advance(10_000);
  assert.deepEqual(away.pass({ err }, 'an S3 request failed'), { unsaid: 170 });
  assert.equal(away.pass({ err }, 'an S3 request failed'), null);
  await clock.advance(10_000);
  assert.deepEqual(away.pass({ err }, 'an SQS request failed'), {});
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(away.pass({ err: new Error('ours') }, 'an S3 request failed'), {});
    assert.deepEqual(away.pass('text', undefined), {});
  }
});

test('the server’s log is such a one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-log-'));
  try {
    const log = createLogger('info', join(folder, 'log'));
    for (let i = 0; i < 5; i++) log.error({ err, requestId: i }, 'request failed');
    log.child({ of: 'x' }).error({ err }, 'request failed');
    log.info('plain');
    log.info({ n: 1 }, 'with %s', 'words');
    const lines = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n');
    const said = lines.map((line) => JSON.parse(line) as { msg: string; requestId?: number });
    assert.deepEqual(
      said.map((s) => [s.msg, s.requestId]),
      [
        ['request failed', 0],
        ['plain', undefined],
        ['with words', undefined],
      ],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
