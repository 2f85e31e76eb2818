import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { root } from './node-shim-host.ts';

const shim = (name: string): string => path.join(root, 'shims/node', `${name}.cjs`);

/** Runs a script in a Node.js that is started as a zygote is; what it prints. */
const run = (script: string): string => execFileSync(process.execPath, ['--single-threaded', '-e', script], { encoding: 'utf8' });

test('what V8 had collected to be compiled is compiled before the first fork, each time', () => {
  const script = `
    const v8 = require('node:v8');
    const { compileWaiting } = require(${JSON.stringify(shim('compile-waiting'))});
    v8.setFlagsFromString('--baseline-batch-compilation-threshold=1000000');
    v8.setFlagsFromString('--trace-baseline-batch-compilation');
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 5; i++) {
        const warm = new Function('n', 'let sum = ' + round + i + ';' + 'sum += n * 2;'.repeat(20) + 'for (let i = 0; i < n; i++) sum += i; return sum');
        for (let call = 0; call < 40; call++) warm(300);
      }
      console.log('round');
      compileWaiting();
    }
  `;
  const [, ...rounds] = run(script).split('round\n');
  assert.equal(rounds.length, 2);
  for (const said of rounds) {
    const compiled = [...said.matchAll(/Compiling current batch of (\d+) functions/g)].map((match) => Number(match[1]));
    assert.ok(
      compiled.some((count) => count >= 5),
      said,
    );
  }
});

test('a handler that settles at once needs no timer, one that waits is looked after', async () => {
  const { invoke } = createRequire(import.meta.url)(shim('invocation')) as {
    invoke: (fn: object, header: object, event: unknown, o: object) => void;
  };
  const looksAfter = async (handler: () => unknown): Promise<{ waits: number[]; results: unknown[] }> => {
    const waits: number[] = [];
    const results: unknown[] = [];
    const idle = { wait: (_then: () => void, pauseMs: number) => waits.push(pauseMs), stop: () => {} };
    const order = { functionName: 'f', functionVersion: '$LATEST', memoryMb: '128', logGroup: '/g', concurrency: 1 };
    const header = { requestId: 'r', deadlineMs: Date.now() + 1000, invokedArn: 'arn', bytes: 2 };
    invoke({ order, handler, logStream: 's' }, header, {}, { idle, settle: (_error: unknown, result: unknown) => results.push(result) });
    await new Promise((resolve) => setImmediate(resolve));
    return { waits, results };
  };
  assert.deepEqual(await looksAfter(async () => 1), { waits: [], results: [1] });
  assert.deepEqual(await looksAfter(() => new Promise(() => {})), { waits: [100], results: [] });
  assert.deepEqual(await looksAfter(() => undefined), { waits: [0], results: [] });
});
