// npm test: set-up, checks, then every test this machine can run. `npm test -- PATTERN…` runs the test files whose path contains one of them.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareExamples } from './prepare-examples.mjs';
import { ensureOrExit } from './setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const patterns = process.argv.slice(2);
const all = patterns.length === 0;
await ensureOrExit();
if (all) run([join(root, 'scripts/check.mjs')], 'check');
if (all || patterns.some((pattern) => pattern.includes('example'))) prepareExamples();
const present = testFiles(join(root, 'dist'));
const containing = (pattern) => present.filter((f) => relative(root, f).includes(pattern));
for (const pattern of patterns) if (containing(pattern).length === 0) fail(`no test file's path contains '${pattern}'`);
const files = all ? present : [...new Set(patterns.flatMap(containing))];
// Real processes on few cores: more than two files at once only wait for one another.
run(['--test', '--test-concurrency=2', '--test-timeout=240000', '--test-reporter=spec', ...files], 'test');

function testFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name.endsWith('.test.js'))
    .map((e) => join(e.parentPath, e.name))
    .sort();
}

function run(args, what) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', cwd: root });
  if (status !== 0) fail(`${what} failed`, status ?? 1);
}

function fail(message, code = 1) {
  console.error(`hearth: ${message}`);
  process.exit(code);
}
