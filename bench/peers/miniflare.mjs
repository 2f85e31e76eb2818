// Starts Miniflare with the echo worker on the port given, until it is told to end.
import { fileURLToPath } from 'node:url';
import { Miniflare } from 'miniflare';

const miniflare = new Miniflare({
  modules: true,
  scriptPath: fileURLToPath(new URL('echo/worker.mjs', import.meta.url)),
  compatibilityDate: '2026-07-01',
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  cf: false, // else it asks Cloudflare for the caller's location
});
await miniflare.ready;
process.on('SIGTERM', async () => {
  await miniflare.dispose();
  setTimeout(() => {}, 200); // workerd was told to end; whoever leaves before it has leaves a zombie to init
});
