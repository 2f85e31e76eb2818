import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { createLogger } from './logger.ts';

test('a log that finds no room on the disk is no reason to end', { skip: existsSync('/dev/full') ? false : 'needs /dev/full' }, () => {
  const log = createLogger('info', '/dev/full');
  for (let i = 0; i < 3; i++) assert.doesNotThrow(() => log.info('something happened'));
});
