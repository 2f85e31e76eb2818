// npm run bench: builds what is stale, then measures. Ctrl-C ends what the benchmark started.
import { ensure, SetupError } from './setup.mjs';

try {
  await ensure();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`error: ${error.message}\nfix: ${error.fix}\n`);
  process.exit(1);
}
await import('../dist/bench/main.js');
