// npm run check: types, lint with the import walls, format, unused code. Exits with the first failure's code.
import { spawnSync } from 'node:child_process';
import { ensureOrExit } from './setup.mjs';

await ensureOrExit();
/** @type {[string, string, string[]][]} */
const steps = [
  ['types', 'tsc', ['-p', 'tsconfig.json', '--noEmit']],
  ['lint', 'oxlint', ['--type-aware', '--deny-warnings']],
  ['format', 'oxfmt', ['--check', '.']],
  ['unused code', 'knip', ['--no-progress']],
];
for (const [name, tool, args] of steps) {
  const { status } = spawnSync(process.execPath, [binary(tool)].concat(args), { stdio: 'inherit' });
  console.log(`check: ${name}: ${status === 0 ? 'ok' : 'failed'}`);
  if (status !== 0) process.exit(status ?? 1);
}

function binary(tool) {
  return new URL(`../node_modules/.bin/${tool}`, import.meta.url).pathname;
}
