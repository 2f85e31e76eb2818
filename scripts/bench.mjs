// npm run bench: builds what is stale, then measures. Ctrl-C ends what the benchmark started.
import { ensureOrExit } from './setup.mjs';

await ensureOrExit();
await import('../dist/bench/main.js');
