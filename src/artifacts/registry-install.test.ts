import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { silent } from '../../test/silent-log.ts';
import { HearthError } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import { FsArtifacts } from './fs-artifacts.ts';
import type { Interpreters } from './interpreters.ts';
import { zip } from './testing/zip.ts';

const exec = promisify(execFile);
const UNREACHABLE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|NewConnectionError|Temporary failure|timed out|No route|E403|E404/i;

async function opened(t: TestContext, interpreters: Interpreters): Promise<FsArtifacts> {
  const home = await mkdtemp(join(tmpdir(), 'hearth-registry-'));
  const artifacts = await FsArtifacts.open({ root: join(home, 'artifacts'), interpreters, clock: systemClock, log: silent });
  t.after(async () => {
    await artifacts.close();
    await rm(home, { recursive: true, force: true });
  });
  return artifacts;
}

/** Builds, or skips the test when the registry can't be reached. */
async function buildOrSkip(t: TestContext, artifacts: FsArtifacts, request: { source: Buffer; runtime: string; handler: string }) {
  try {
    return await artifacts.build({ ...request, installScripts: false, progress: () => undefined });
  } catch (error) {
    if (error instanceof HearthError && UNREACHABLE.test(String(error.details['output']))) {
      t.skip(`the registry can't be reached: ${String(error.details['output']).split('\n')[0]}`);
      return null;
    }
    throw error;
  }
}

test('npm installs from its registry, readable for all, as nobody when the server is root', async (t) => {
  const artifacts = await opened(t, { find: async () => null, found: async () => [] });
  const source = await zip({
    'package.json': '{"dependencies": {"ms": "2.1.3"}}',
    'index.js': 'exports.handler = async () => require("ms")(60000)',
  });
  const build = await buildOrSkip(t, artifacts, { source, runtime: 'nodejs20.x', handler: 'index.handler' });
  if (build === null || build.dependencies === null) return;
  const path = join(await artifacts.dependencyRoot(build.dependencies), 'node_modules', 'ms', 'index.js');
  const { mode, uid } = await stat(path);
  assert.deepEqual([mode & 0o777, uid], [0o644, process.getuid?.()]);
  const root = await artifacts.taskRoot(build.code.sha256);
  const { stdout } = await exec(process.execPath, ['-e', 'require("./index.js").handler().then((r) => process.stdout.write(r))'], {
    cwd: root,
  });
  assert.equal(stdout, '1m');
});

test('pip installs for the interpreter that will run it, and says what to do about a package that is not there', async (t) => {
  const found = await exec('python3', ['-c', 'import sys; print(sys.executable, "%d.%d.%d" % sys.version_info[:3])']).catch(() => null);
  if (found === null) return t.skip('there is no python3 here');
  const [path = '', version = ''] = found.stdout.trim().split(' ');
  const name = `python${version.split('.').slice(0, 2).join('.')}`;
  const python = { language: 'Python', path, version };
  const artifacts = await opened(t, { find: async () => python, found: async () => [python] });
  const source = await zip({ 'requirements.txt': 'six==1.16.0\n', 'app.py': '' });
  const build = await buildOrSkip(t, artifacts, { source, runtime: name, handler: 'app.handler' });
  if (build === null || build.dependencies === null) return;
  const folder = join(await artifacts.dependencyRoot(build.dependencies), 'python');
  const { stdout } = await exec(path, ['-c', 'import six; print(six.__version__, six.__file__)'], { env: { PYTHONPATH: folder } });
  assert.equal(stdout.trim(), `1.16.0 ${join(folder, 'six.py')}`);
  const missing = await zip({ 'requirements.txt': './not-here-1.0-py3-none-any.whl\n', 'app.py': '' });
  await assert.rejects(
    artifacts.build({ source: missing, runtime: name, handler: 'app.handler', installScripts: false, progress: () => undefined }),
    {
      code: 'BuildFailed',
      message: /pip install -r requirements\.txt` failed/,
    },
  );
});
