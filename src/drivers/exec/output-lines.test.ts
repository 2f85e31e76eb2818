import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { OutputLines } from './output-lines.ts';
import { CollectedLog } from './testing/fixtures.ts';

it('gives what was printed of a line to the request that ran then, and the rest to the next', async () => {
  const log = new CollectedLog();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const output = new OutputLines(log, [stdout, stderr]);
  output.belongTo('r-1');
  stdout.write('one\ntwo, ');
  await output.drain();
  output.belongTo(null);
  stderr.write('of nobody'); // by a process that r-1 left behind
  await new Promise((resolve) => setImmediate(resolve));
  output.belongTo('r-2');
  stderr.write('mine\n');
  stdout.end('three\n');
  await output.end();
  assert.deepEqual(log.of('r-1'), ['one', 'two, ']);
  assert.deepEqual(log.of(null), ['of nobody']);
  assert.deepEqual(log.of('r-2').toSorted(), ['mine', 'three']);
});
