import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CliError } from './errors.ts';
import { parseHearthFile } from './hearth-file.ts';

const ENTRY = '    runtime: nodejs20.x\n    handler: index.handler\n';

async function refusal(text: string): Promise<string> {
  const error = await parseHearthFile(text, '/p/hearth.yaml').then(
    () => assert.fail('it was taken'),
    (e: unknown) => e,
  );
  assert.ok(error instanceof CliError, String(error));
  assert.ok(error.fix);
  return error.message;
}

describe('hearth.yaml', () => {
  it('keeps the manifest as it is written, and the folder apart', async () => {
    const file = await parseHearthFile(
      `functions:\n  a:\n${ENTRY}    code: ./src\n    environment: { NN: 1 }\n  b:\n${ENTRY}`,
      '/p/hearth.yaml',
    );
    assert.deepEqual(file.functions, [
      {
        name: 'a',
        file: '/p/hearth.yaml',
        folder: '/p/src',
        manifest: { runtime: 'nodejs20.x', handler: 'index.handler', environment: { NN: 1 } },
      },
      { name: 'b', file: '/p/hearth.yaml', folder: '/p', manifest: { runtime: 'nodejs20.x', handler: 'index.handler' } },
    ]);
  });

  it('leads to a name that no function may have, and says which may, dots in it or not', async () => {
    const names = 'must be a function name: up to 64 letters, digits, - or _';
    for (const name of ['a.b', 'a.b.c', 'fn:1', 'a b'])
      assert.equal(await refusal(`functions:\n  a:\n${ENTRY}  ${name}:\n${ENTRY}`), `/p/hearth.yaml:5:3: functions.${name}: ${names}`);
    const text = `functions:\n  a:\n${ENTRY}    tags: { a.b: 1 }\n`;
    assert.match(await refusal(text), /^\/p\/hearth\.yaml:5:13: functions\.a\.tags\.a\.b: must be text/);
  });

  it('takes a sample event as it is, or the file it is in', async () => {
    const file = await parseHearthFile(
      `functions:\n  a:\n${ENTRY}    rehearse: { size: 1 }\n  b:\n${ENTRY}    rehearse: events/one.json\n`,
      '/p/hearth.yaml',
    );
    const manifest = { runtime: 'nodejs20.x', handler: 'index.handler' };
    assert.deepEqual(file.functions, [
      { name: 'a', file: '/p/hearth.yaml', folder: '/p', manifest: { ...manifest, rehearse: { size: 1 } } },
      { name: 'b', file: '/p/hearth.yaml', folder: '/p', manifest, sampleFile: '/p/events/one.json' },
    ]);
    assert.match(
      await refusal(`functions:\n  a:\n${ENTRY}    rehearse: 7\n`),
      /:5:5: functions\.a\.rehearse: must be the path of a JSON file, or the/,
    );
  });

  it('says where the YAML breaks', async () => {
    assert.match(
      await refusal(`functions:\n  a:\n${ENTRY}    environment: { A: 1\n  b: x`),
      /^\/p\/hearth\.yaml:[56]:\d+: not valid YAML: /,
    );
    assert.equal(await refusal('functions:\n  a:\n    runtime: x\n  a:\n    runtime: y\n'), '/p/hearth.yaml:4:3: a is there twice');
    assert.match(await refusal('functions:\n\ta: 1\n'), /^\/p\/hearth\.yaml:2:\d+: not valid YAML: /);
    assert.match(await refusal('functions: *x\n'), /hearth\.yaml:1:\d+: /);
  });

  it('says at which line each fault of the schema is', async () => {
    const message = await refusal(
      `functions:\n  a:\n${ENTRY}    triggers:\n      - objects: { bucket: b }\n      - shedule: { cron: x }\n    memoryMb: much\n`,
    );
    assert.match(message, /^\/p\/hearth\.yaml:7:9: functions\.a\.triggers\[1\]/);
    assert.match(message, /\n +\/p\/hearth\.yaml:8:5: functions\.a\.memoryMb: /);
  });

  it('points to what surrounds a member that is missing', async () => {
    assert.match(
      await refusal('functions:\n  a:\n    handler: index.handler\n'),
      /^\/p\/hearth\.yaml:2:3: functions\.a\.runtime: is missing/,
    );
  });

  it('refuses what has no functions', async () => {
    for (const text of [
      '',
      '- a\n',
      'functions: {}\n',
      'functions:\n',
      'a: 1\n',
      'functions: 3\n',
      'functions:\n  "a b": {}\n',
      'functions:\n  a: 3\n',
    ]) {
      assert.match(await refusal(text), /hearth\.yaml:\d+:\d+: /, JSON.stringify(text));
    }
  });
});
