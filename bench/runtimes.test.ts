import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Catalogue } from '../src/runtimes/catalogue.ts';
import { runtimeHere } from './runtimes.ts';

/** A machine with a Node.js and, where a version is given, a Python. */
function machine(nodeVersion: string, pythonVersion?: string): Catalogue {
  const python = pythonVersion === undefined ? [] : ['python3'];
  return new Catalogue({
    execPath: '/opt/node',
    nodeVersion,
    home: '/home/somebody',
    path: ['/bin'],
    list: (directory) => (directory === '/bin' ? python : []),
    real: (path) => (['/opt/node', ...python.map((name) => `/bin/${name}`)].includes(path) ? path : null),
    ask: async () => JSON.stringify([pythonVersion, '/bin/python3', '/', '/']),
  });
}

describe('what a function of a benchmark is deployed for', () => {
  it('is the runtime it names, where that is installed', async () => {
    const installed = machine('20.19.0', '3.11.2');
    assert.equal(await runtimeHere('nodejs20.x', installed), 'nodejs20.x');
    assert.equal(await runtimeHere('python3.11', installed), 'python3.11');
  });

  it('is another release of the language, where that is what there is', async () => {
    const installed = machine('24.4.1', '3.13.0');
    assert.equal(await runtimeHere('nodejs20.x', installed), 'nodejs24.x');
    assert.equal(await runtimeHere('python3.11', installed), 'python3.13');
  });

  it('is nothing where the language is not there', async () => {
    await assert.rejects(runtimeHere('python3.11', machine('20.19.0')), /needs Python 3\.11, which is not installed here; found: none/);
  });
});
