import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
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
      assert.match(up.stderr, /eval "\$\(hearth keys env\)"/);
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
      assert.match(await ok('keys', 'list'), /Allow lambda:InvokeFunction on function:hello$/m);
      assert.match(await ok('keys', 'revoke', id), /is revoked/);
      const again = await run('keys', 'revoke', id);
      assert.notEqual(again.code, 0);
      assert.match(again.stderr, /there is no key/);
      assert.match((await run('keys', 'create', '--allow', 'lambda:*', '--statements', 'x.json')).stderr, /\nfix: leave one out/);
      for (const [statements, said] of [
        ['{"Effect":', /can't be read as JSON: .*\nfix: write a policy with Statement/],
        [
          '{"Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"hello"}]}',
          /Statement\[0\]\.Resource: must be `\*` or an ARN: .*, not "hello"/,
        ],
        [
          '[{"Effect":"Allow","Action":"lambda:*","Resource":"*","Condition":{}}]',
          /Statement\[0\]\.Condition: unknown key; known keys: Sid, Effect, Action, Resource/,
        ],
        ['{}', /Statement\[0\]\.Effect: is missing/],
      ] as const) {
        writeFileSync(join(here.path, 'bad.json'), statements);
        const refused = await run('keys', 'create', '--statements', 'bad.json');
        assert.notEqual(refused.code, 0);
        assert.match(refused.stderr, said);
      }
      const unnamed = await run('keys', 'create', '--allow', 'InvokeFunction');
      assert.match(
        unnamed.stderr,
        /^error: --allow InvokeFunction: an action is a service and what it does, .*\nfix: write the service before it: --allow lambda:InvokeFunction/,
      );
      const statement = await run('keys', 'create', '--allow', '{"Effect":"Allow"}');
      assert.match(statement.stderr, /an action is a service and what it does, .*\nfix: write the statements into a file, .*--statements/);
      const misspelt = await run('keys', 'create', '--allow', 'lambda:InvokeFuntion', '--on', 'hello');
      assert.notEqual(misspelt.code, 0);
      assert.match(misspelt.stderr, /lambda:InvokeFuntion is no action of this server, .*: did you mean lambda:InvokeFunction\?/);
      await ok(
        'keys',
        'create',
        '--name',
        'data',
        '--allow',
        's3:GetObject',
        '--allow',
        'sqs:*',
        '--bucket',
        'b',
        '--queue',
        'q',
        '--json',
      );
      const { keys: left } = JSON.parse(await ok('keys', 'list', '--json')) as { keys: { name: string; statements: unknown }[] };
      assert.deepEqual(left.find((k) => k.name === 'data')?.statements, [
        { Effect: 'Allow', Action: ['s3:GetObject', 'sqs:*'], Resource: ['arn:aws:s3:::b', 'arn:aws:s3:::b/*', 'arn:aws:sqs:*:*:q'] },
      ]);

      assert.match(await ok('keys', 'list'), /Allow s3:GetObject, sqs:\* on s3:b, sqs:q$/m);

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

  it('gives AWS’s tools the server and its key by `eval "$(hearth keys env)"`, and says what to do where there is none', async (t) => {
    await using here = await folder();
    const home = join(here.path, "it's home");
    const env = { HEARTH_HOME: home };
    const none = await hearth(['keys', 'env'], { cwd: here.path, env });
    assert.equal(none.code, 2);
    assert.match(none.stderr, /there is no key in .*\nfix: start one with `hearth up`/);
    assert.equal((await hearth(['up', '--detach', '--port', '0'], { cwd: here.path, env })).code, 0);
    try {
      const variables = JSON.parse((await hearth(['keys', 'env', '--json'], { cwd: here.path, env })).stdout) as Record<string, string>;
      assert.match(variables['AWS_ENDPOINT_URL'] ?? '', /^http:\/\/127\.0\.0\.1:\d+$/);
      const bin = fileURLToPath(new URL('../../../bin/hearth', import.meta.url));
      /** A shell in which the exports were evaluated, with an account of the user's own in it before. */
      const shell = (script: string) =>
        promisify(execFile)('sh', ['-euc', `eval "$("$NODE" ${bin} keys env)"; ${script}`], {
          cwd: here.path,
          env: {
            PATH: process.env['PATH'],
            HOME: here.path,
            NODE: process.execPath,
            AWS_PROFILE: 'theirs',
            AWS_SESSION_TOKEN: 'theirs',
            AWS_PAGER: '',
            ...env,
          },
        });
      const names = Object.keys(variables);
      const seen = await shell(
        `printf '%s\n' ${names.map((name) => `"$${name}"`).join(' ')} "\${AWS_PROFILE-none}" "\${AWS_SESSION_TOKEN-none}"`,
      );
      assert.deepEqual(seen.stdout.trim().split('\n'), [...Object.values(variables), 'none', 'none']);
      if (spawnSync('curl', ['--aws-sigv4', 'aws:amz', '--version']).status === 0) {
        const curl =
          'curl -sS --fail-with-body --aws-sigv4 "aws:amz:$AWS_REGION:lambda" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" "$AWS_ENDPOINT_URL';
        assert.match((await shell(`${curl}/hearth/v1/status"`)).stdout, /"pid":\d+/);
        assert.match((await shell(`${curl}/2015-03-31/functions"`)).stdout, /"Functions":\[\]/);
        const made = await shell(`${curl}/hearth/v1/keys" -H 'content-type: application/json' -d '{"name": "by curl"}'`);
        assert.match(made.stdout, /"name":"by curl"/);
      } else t.diagnostic('no curl with --aws-sigv4 here');
      if (spawnSync('aws', ['--version']).status === 0) {
        assert.match((await shell('aws lambda list-functions --output json')).stdout, /"Functions": \[\]/);
        assert.match((await shell('aws s3 mb s3://made')).stdout, /make_bucket: made/);
      } else t.diagnostic('no aws here');
    } finally {
      await hearth(['down'], { cwd: here.path, env });
    }
  });

  it('tells who signs with no key of the server what to do', async () => {
    await using here = await folder();
    const env = { HEARTH_HOME: join(here.path, 'home') };
    const up = await hearth(['up', '--detach', '--port', '0', '--json'], { cwd: here.path, env });
    try {
      const { endpoint } = JSON.parse(up.stdout) as { endpoint: string };
      const elsewhere = { HEARTH_HOME: join(here.path, 'other'), HEARTH_ENDPOINT: endpoint };
      const unsigned = await hearth(['ps'], { cwd: here.path, env: elsewhere });
      assert.equal(unsigned.code, 6);
      assert.match(unsigned.stderr, /^error: MissingAuthenticationTokenException: [^\n]*\nfix: set HEARTH_HOME /);
      const wrong = { ...elsewhere, HEARTH_ACCESS_KEY_ID: 'AKIANOBODY', HEARTH_SECRET_ACCESS_KEY: 'x' };
      assert.match((await hearth(['ps'], { cwd: here.path, env: wrong })).stderr, /^error: UnrecognizedClientException: [^\n]*\nfix: /);
    } finally {
      await hearth(['down'], { cwd: here.path, env });
    }
  });

  it('asks nobody where anonymous mode was asked for, and says so', async () => {
    await using here = await folder();
    const env = { HEARTH_HOME: join(here.path, 'home') };
    const up = await hearth(['up', '--detach', '--anonymous', '--port', '0', '--json'], { cwd: here.path, env });
    try {
      assert.match(up.stderr, /anonymous mode: nobody is asked for a key/);
      const { endpoint } = JSON.parse(up.stdout) as { endpoint: string };
      assert.equal((await fetch(`${endpoint}/2015-03-31/functions`)).status, 200);
      assert.equal((await fetch(`${endpoint}/hearth/v1/keys`)).status, 200);
    } finally {
      await hearth(['down'], { cwd: here.path, env });
    }
  });
});
