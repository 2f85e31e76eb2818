import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notStarted } from './postmaster.ts';

test('a database that a full disk keeps from starting is not to be moved away', () => {
  // Its last lines, as PostgreSQL 18 says them: the cause itself may have gone by.
  const full = [
    'HINT:  Check free disk space.',
    'CONTEXT:  writing block 14 of relation "base/16385/1249"',
    'FATAL:  checkpoint request failed',
  ];
  const { message } = notStarted('exit code 1', full, '/data');
  assert.match(message, /The disk is full: make room/);
  assert.doesNotMatch(message, /damaged|begin anew/);
  const damaged = notStarted('exit code 1', ['PANIC:  could not locate a valid checkpoint record'], '/data');
  assert.match(damaged.message, /If the data is damaged, put back a backup/);
});
