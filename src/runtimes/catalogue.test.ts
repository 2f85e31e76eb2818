import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Catalogue, InterpreterNotFound, parseRuntime } from './catalogue.ts';
import { thisMachine } from './interpreters.ts';
import type { InterpreterHost } from './interpreters.ts';

/** A machine with Node 20 running this, and the given executables, each with its answer. */
function machine(files: Record<string, string[]>, asked: string[] = []): InterpreterHost {
  const all: Record<string, string[]> = { '/usr/bin/node': ['20.20.2', '/usr/bin/node'], ...files };
  return {
    execPath: '/usr/bin/node',
    nodeVersion: '20.20.2',
    home: '/home/u',
    path: ['/home/u/.pyenv/shims', '/usr/bin'],
    list: (directory) => [
      ...new Set(
        Object.keys(all)
          .filter((f) => f.startsWith(`${directory}/`))
          .map((f) => f.slice(directory.length + 1).split('/')[0]!),
      ),
    ],
    real: (path) => (path in all ? path : null),
    async ask(path) {
      asked.push(path);
      const answer = all[path];
      if (answer === undefined || answer.length === 0) throw new Error('exit 1');
      return JSON.stringify(answer);
    },
  };
}

const py = (version: string, prefix: string, base = prefix): string[] => [
  version,
  `${prefix}/bin/python${version.replace(/\.\d+$/, '')}`,
  prefix,
  base,
];

describe('runtime names', () => {
  it('are taken apart', () => {
    assert.deepEqual(parseRuntime('nodejs22.x'), { language: 'node', release: '22' });
    assert.deepEqual(parseRuntime('python3.11'), { language: 'python', release: '3.11' });
    for (const other of ['java21', 'provided.al2023', 'nodejs', 'python2.7', 'nodejs20.x ', ''])
      assert.equal(parseRuntime(other), null, other);
  });
});

describe('catalogue', () => {
  it('takes the running Node.js for its own major, without asking anyone', async () => {
    const asked: string[] = [];
    const found = await new Catalogue(machine({}, asked)).resolve('nodejs20.x');
    assert.deepEqual([found.path, found.version, found.roots], ['/usr/bin/node', '20.20.2', ['/usr']]);
    assert.deepEqual(asked, []);
  });

  it('says what it knows without asking', async () => {
    const asked: string[] = [];
    const catalogue = new Catalogue(
      machine({ '/usr/bin/python3': py('3.11.7', '/usr'), '/usr/bin/python3.11': py('3.11.7', '/usr') }, asked),
    );
    assert.deepEqual(catalogue.known(), []);
    await Promise.all([catalogue.list('python'), catalogue.list('node')]);
    const before = asked.length;
    assert.deepEqual(
      catalogue.known().map((i) => i.version),
      ['20.20.2', '3.11.7'],
    );
    assert.equal(asked.length, before);
  });

  it('offers no Python that functions can not run in', async () => {
    const old = '/home/u/.pyenv/versions/3.6.15';
    const answer = py('3.6.15', old);
    const catalogue = new Catalogue(machine({ [`${old}/bin/python3`]: answer, [`${old}/bin/python3.6`]: answer }));
    assert.deepEqual(await catalogue.list('python'), []);
    await assert.rejects(catalogue.resolve('python3.6'), InterpreterNotFound);
  });

  it('never substitutes another major, and lists what it found', async () => {
    const catalogue = new Catalogue(
      machine({ '/home/u/.nvm/versions/node/v18.1.0/bin/node': ['18.1.0', '/home/u/.nvm/versions/node/v18.1.0/bin/node'] }),
    );
    await assert.rejects(catalogue.resolve('nodejs22.x'), (error: Error) => {
      assert.ok(error instanceof InterpreterNotFound);
      assert.match(error.message, /nodejs22\.x needs Node\.js 22.*20\.20\.2 \(\/usr\/bin\/node\), 18\.1\.0/);
      return true;
    });
  });

  it('does not take Python 3.1 for 3.11 or the other way round', async () => {
    const catalogue = new Catalogue(machine({ '/usr/bin/python3.11': py('3.11.7', '/usr'), '/usr/bin/python3': py('3.11.7', '/usr') }));
    await assert.rejects(catalogue.resolve('python3.1'), InterpreterNotFound);
  });

  it('resolves a version switcher to the interpreter it leads to, asking only where the path fits', async () => {
    const asked: string[] = [];
    const real = '/home/u/.pyenv/versions/3.12.1';
    const catalogue = new Catalogue(
      machine(
        {
          '/home/u/.pyenv/shims/python3.12': py('3.12.1', real),
          [`${real}/bin/python3.12`]: py('3.12.1', real),
          '/usr/bin/python3.11': py('3.11.2', '/usr'),
        },
        asked,
      ),
    );
    const found = await catalogue.resolve('python3.12');
    assert.deepEqual([found.path, found.roots], [`${real}/bin/python3.12`, [real]]);
    assert.deepEqual(asked, ['/home/u/.pyenv/shims/python3.12']);
  });

  it('keeps the path of a virtual environment and needs its base too', async () => {
    const venv = '/home/u/venv/bin/python3.11';
    const host = machine({ [venv]: py('3.11.7', '/home/u/venv', '/opt/py') });
    const found = await new Catalogue({ ...host, path: ['/home/u/venv/bin'] }).resolve('python3.11');
    assert.equal(found.path, venv);
    assert.ok(found.roots.includes('/opt/py') && found.roots.includes('/home/u/venv'));
  });

  it('passes by what is broken, and looks again after a failure', async () => {
    const files: Record<string, string[]> = { '/usr/bin/python3.13': [] };
    const host = machine(files);
    const catalogue = new Catalogue({
      ...host,
      real: (path) => (path in files ? path : null),
      ask: async (path) => JSON.stringify(files[path]),
    });
    await assert.rejects(catalogue.resolve('python3.13'), /found: none/);
    files['/usr/bin/python3.13'] = py('3.13.0', '/usr');
    assert.equal((await catalogue.resolve('python3.13')).version, '3.13.0');
  });

  it('finds the Node.js that runs this test', async () => {
    const major = process.versions.node.split('.')[0];
    const found = await new Catalogue(thisMachine(process.env)).resolve(`nodejs${major}.x`);
    assert.equal(found.version, process.versions.node);
  });
});
