import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { builtFile } from './paths.ts';

interface Ended {
  readonly status: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

it('npm run bench tells what there is, and says what it did not understand before it starts anything', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-test-'));
  const bench = (...args: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      execFile(process.execPath, [builtFile('./main.js'), ...args], { env: { ...process.env, TMPDIR: folder } }, (error, stdout, stderr) =>
        resolve({ status: error === null ? 0 : error.code, stdout, stderr }),
      );
    });
  try {
    const [help, nobody, row] = await Promise.all([bench('--help'), bench('nosuch'), bench('density', '--only', 'hello', '--json')]);
    assert.deepEqual([help.status, help.stderr], [0, '']);
    for (const said of [/^npm run bench/, /--rungs A,B/, /^ {2}conformance +\S/m, /benchmarks\.md/]) assert.match(help.stdout, said);

    assert.deepEqual([nobody.status, nobody.stdout], [2, '']);
    assert.match(
      nobody.stderr,
      /^error: there is no benchmark 'nosuch'; there are overhead, .*conformance\n.*--help tells what there is\n$/,
    );

    assert.equal(row.status, 2);
    const { bench: name, error } = JSON.parse(row.stdout) as { bench: string; error: string };
    assert.deepEqual([name, error], ['density', '--only takes hello-node, hello-python, detect, detect-python: not hello']);
    assert.deepEqual(readdirSync(folder), []); // no home was made, so there was no server
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
