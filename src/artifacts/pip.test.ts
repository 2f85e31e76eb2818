import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { silent } from '../../test/silent-log.ts';
import { systemClock } from '../lib/clock.ts';
import { FsArtifacts } from './fs-artifacts.ts';
import type { Interpreters } from './interpreters.ts';
import { pipRecipe } from './pip.ts';
import { zip } from './testing/zip.ts';

const exec = promisify(execFile);

let home: string;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'hearth-pip-'));
});

after(() => rm(home, { recursive: true, force: true }));

/** A wheel of one module without dependencies, which pip installs without asking any index. */
function wheel(name: string): Promise<Buffer> {
  const info = `${name}-1.0.dist-info`;
  return zip({
    [`${name}.py`]: `NAME = ${JSON.stringify(name)}\n`,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: hearth\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    [`${info}/RECORD`]: [`${name}.py`, `${info}/METADATA`, `${info}/WHEEL`, `${info}/RECORD`].map((f) => `${f},,\n`).join(''),
  });
}

/** Requirements below a folder: its files name each other from where they are, their packages from the root. */
const files = {
  'requirements.txt': '-r reqs/base.txt\n',
  'reqs/base.txt': '-r common.txt\n--requirement=../more.txt\n./wheels/one-1.0-py3-none-any.whl\n',
  'reqs/common.txt': '-c limits/all.txt\n-f found\nfour\nwheels/two-1.0-py3-none-any.whl\n',
  'reqs/limits/all.txt': 'three==1.0\n',
  'more.txt': '-f ./wheels\nthree\n-e ./five\n',
};

/** A package's folder, which builds itself without asking any index. */
const five = {
  'five/pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
  'five/backend.py': [
    'import shutil',
    'def build_wheel(folder, config_settings=None, metadata_directory=None):',
    '    return shutil.copy("five-1.0-py3-none-any.whl", folder).split("/")[-1]',
    'def build_editable(*_):',
    '    raise SystemExit("a link to a folder that goes")',
    '',
  ].join('\n'),
};

test('requirement files in a folder are found where pip finds them, and so are the packages that they name', async (t) => {
  const found = await exec('python3', ['-c', 'import pip, sys; print(sys.executable, "%d.%d.%d" % sys.version_info[:3])']).catch(
    () => null,
  );
  if (found === null) return t.skip('there is no python3 with pip here');
  const [path = '', version = ''] = found.stdout.trim().split(' ');
  const python = { language: 'Python', path, version };
  const interpreters: Interpreters = { find: async () => python, found: async () => [python] };
  const artifacts = await FsArtifacts.open({ root: join(home, 'artifacts'), interpreters, clock: systemClock, log: silent });
  t.after(() => artifacts.close());
  const names = { one: 'wheels', two: 'wheels', three: 'wheels', four: 'reqs/found', five: 'five' };
  const wheels = await Promise.all(
    Object.entries(names).map(async ([name, folder]) => [`${folder}/${name}-1.0-py3-none-any.whl`, await wheel(name)]),
  );
  const requirements = { ...files, 'more.txt': `--no-index\n${files['more.txt']}` };
  const source = await zip({ 'app.py': '', ...requirements, ...five, ...(Object.fromEntries(wheels) as Record<string, Buffer>) });
  const request = { runtime: `python${version.split('.').slice(0, 2).join('.')}`, handler: 'app.handler', installScripts: false };
  const { dependencies } = await artifacts.build({ source, ...request, progress: () => undefined });
  assert.ok(dependencies !== null);
  const installed = await readdir(join(await artifacts.dependencyRoot(dependencies), 'python'));
  assert.deepEqual(installed.filter((name) => name.endsWith('.py')).sort(), ['five.py', 'four.py', 'one.py', 'three.py', 'two.py']);
});

test('says that the index can’t be reached, and of wheels only where that is it', async () => {
  const python = { language: 'Python', path: '/python', version: '3.11.7' };
  const source = join(home, 'advised');
  await mkdir(source, { recursive: true });
  await writeFile(join(source, 'requirements.txt'), 'six\n');
  const request = { source, runtime: 'python3.11', installScripts: false };
  const recipe = await pipRecipe(request, { find: async () => python, found: async () => [python] });
  const none = 'ERROR: No matching distribution found for six';
  assert.match(recipe?.advice(none) ?? '', /^Only wheels are installed/);
  for (const reason of ['Failed to establish a new connection: [Errno 111]', "Failed to resolve 'pypi.org'"])
    assert.match(
      recipe?.advice(`WARNING: Retrying after NewConnectionError('${reason}')\n${none}`) ?? '',
      /^The package index,.* can’t be reached/,
    );
});

test('what any of them says decides what is installed; what lies outside of the source does not', async () => {
  const python = { language: 'Python', path: '/python', version: '3.11.7' };
  const source = join(home, 'a', 'source');
  const digest = async (changed: Record<string, string>): Promise<string | undefined> => {
    for (const [name, content] of Object.entries({ ...files, ...changed })) {
      await mkdir(dirname(join(source, name)), { recursive: true });
      await writeFile(join(source, name), content);
    }
    const request = { source, runtime: 'python3.11', installScripts: false };
    return (await pipRecipe(request, { find: async () => python, found: async () => [python] }))?.digest;
  };
  const seen = new Set([await digest({})]);
  const wheels = ['wheels/one-1.0-py3-none-any.whl', 'reqs/found/four-1.0-py3-none-any.whl'];
  for (const name of ['reqs/base.txt', 'reqs/common.txt', 'reqs/limits/all.txt', 'more.txt', ...wheels]) {
    const other = await digest({ [name]: 'six\n' });
    assert.ok(!seen.has(other), name);
    seen.add(other);
  }
  const outside = { 'reqs/base.txt': '-r ../../outside.txt\n-c /outside.txt\n../outside.whl\n', 'reqs/outside.txt': '' };
  const [one, two] = [
    await digest({ ...outside, '../outside.txt': 'one', '../outside.whl': 'one' }),
    await digest({ ...outside, '../outside.txt': 'two', '../outside.whl': 'two', 'reqs/outside.txt': 'two' }),
  ];
  assert.equal(one, two);
});
