import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainingTakenPorts } from './taken-ports.ts';

function said(noLoopback: string | null, lines: readonly string[]): string[] {
  const seen: string[] = [];
  const sink = explainingTakenPorts({ line: (_requestId, text) => void seen.push(text) }, noLoopback);
  for (const line of lines) sink.line(null, line);
  return seen;
}

describe('a line that tells of a taken port', () => {
  it('is followed by the reason and the fix, once', () => {
    const lines = [
      'Error: listen EADDRINUSE: address already in use 127.0.0.1:2773',
      'OSError: [Errno 98] Address already in use',
      'listen tcp :8080: bind: address already in use',
    ];
    for (const line of lines) {
      const seen = said('the server is not root', ['begins', line, line]);
      assert.equal(seen.length, 4);
      assert.deepEqual([seen[0], seen[1], seen[3]], ['begins', line, line]);
      assert.match(seen[2]!, /^hearth: .*share its network.*\(the server is not root\)\. fix: .*max: 1.*environment variable/);
    }
  });

  it('is explained otherwise where instances have a loopback of their own', () => {
    assert.match(said(null, ['EADDRINUSE'])[1]!, /fix: listen in the init phase/);
  });

  it('is no other line', () => {
    assert.deepEqual(said(null, ['the address is 1 in use']), ['the address is 1 in use']);
  });
});
