import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { SERVER_HEAP } from './server-heap.ts';

it('bin/hearth starts Node.js with the heap of a server', async () => {
  const [first] = (await readFile(new URL('../../../bin/hearth', import.meta.url), 'utf8')).split('\n');
  assert.equal(first, `#!/usr/bin/env -S node ${SERVER_HEAP.join(' ')}`);
});
