import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folder, hearth } from './testing/run-hearth.ts';

const skip = existsSync(new URL('../app.js', import.meta.url)) ? false : 'the server is not part of this build';

/** Files below a folder that hold a text. */
function holding(root: string, text: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text))
    .map((path) => path.slice(root.length + 1));
}

describe('hearth keys', { skip }, () => {
  it('shows the server’s own key at its first start only, and makes, lists and revokes others, whose secrets lie nowhere', async () => {
    await using here = await folder();
    const home = join(here.path, 'home');
    const run = (...args: string[]) => hearth(args, { cwd: here.path, env: { HEARTH_HOME: home } });
    const ok = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(...args);
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const up = await run('up', '--detach', '--port', '0');
    let down = false;
    try {
      assert.equal(up.code, 0, up.stderr);
      const [, own = ''] = /secret access key {2}(\S+)/.exec(up.stderr) ?? [];
      assert.notEqual(own, '');
      assert.deepEqual(holding(home, own), ['credentials']);
      assert.equal(statSync(join(home, 'credentials')).mode & 0o777, 0o600);

      const made = await ok('keys', 'create', '--name', 'ci', '--allow', 'lambda:InvokeFunction', '--on', 'hello', '--json');
      const { id, secret } = JSON.parse(made) as { id: string; secret: string };
      const { keys } = JSON.parse(await ok('keys', 'list', '--json')) as { keys: { id: string; name: string; statements: unknown }[] };
      assert.deepEqual(keys, [{ ...keys[0], id, name: 'ci' }]);
      assert.deepEqual(keys[0]?.statements, [
        {
          Effect: 'Allow',
          Action: ['lambda:InvokeFunction'],
          Resource: ['arn:aws:lambda:*:*:function:hello', 'arn:aws:lambda:*:*:function:hello:*'],
        },
      ]);
      assert.match(await ok('keys', 'list'), /lambda:InvokeFunction/);
      assert.match(await ok('keys', 'revoke', id), /is revoked/);
      const again = await run('keys', 'revoke', id);
      assert.notEqual(again.code, 0);
      assert.match(again.stderr, /There is no key/);
      assert.match((await run('keys', 'create', '--allow', 'lambda:*', '--statements', 'x.json')).stderr, /\nfix: leave one out/);

      await ok('down');
      down = true;
      assert.deepEqual(holding(home, secret), []);
      const second = await run('up', '--detach', '--port', '0');
      down = false;
      assert.equal(second.code, 0, second.stderr);
      assert.doesNotMatch(second.stderr, /secret access key/);
    } finally {
      if (!down) await run('down');
    }
  });
});
