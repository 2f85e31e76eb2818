import { join } from 'node:path';
import { build } from 'esbuild';
import { zipOf } from '../../src/control/testing/plane.ts';
import type { TestServer } from './platform-server.ts';

/** A function of one file, bundled with the packages that it imports from `root`, as most people deploy theirs; made and ready. */
export async function deployBundled(
  server: TestServer,
  name: string,
  o: { readonly root: string; readonly code: string; readonly manifest: Readonly<Record<string, unknown>> },
): Promise<void> {
  const bundled = await build({
    stdin: { contents: o.code, resolveDir: o.root, loader: 'js' },
    nodePaths: [join(o.root, 'node_modules')],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
    logLevel: 'silent',
  });
  const { source } = await server.client.uploadSource(await zipOf({ 'index.js': bundled.outputFiles[0]?.text ?? '' }));
  await server.client.deploy(name, { source, manifest: { handler: 'index.handler', ...o.manifest } });
}
