import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HearthError } from '../errors.ts';
import { manifestJsonSchema, parseFunctionManifest, parseManifestFile } from './manifest.ts';

const minimal = { runtime: 'nodejs20.x', handler: 'index.handler' };

function faults(value: unknown): string[] {
  try {
    parseManifestFile(value);
  } catch (error) {
    assert.ok(error instanceof HearthError);
    assert.equal(error.code, 'InvalidParameterValueException');
    return error.message.split('\n');
  }
  return [];
}

test('the example of the design parses, and every default is filled in', () => {
  const file = parseManifestFile({
    functions: {
      detect: {
        ...minimal,
        code: './detect',
        memoryMb: 512,
        timeoutSeconds: 30,
        environment: { MODEL: 'yolo26n.onnx', THREADS: 1 },
        scaling: { min: 0, max: 100, concurrency: 1, keepAlive: 'histogram' },
        snapshot: 'onDeploy',
        url: { auth: 'none' },
        triggers: [
          { objects: { bucket: 'uploads', prefix: 'in/', suffix: '.jpg' } },
          { schedule: { cron: '0 6 * * *', timezone: 'Europe/Madrid' } },
        ],
      },
    },
  });
  assert.equal(file.functions['detect']?.environment['THREADS'], '1');
  assert.equal(file.functions['detect']?.ephemeralStorageMb, 512);
  const least = parseFunctionManifest(minimal);
  assert.deepEqual(
    [least.memoryMb, least.timeoutSeconds, least.ephemeralStorageMb, least.scaling, least.snapshot, least.url, least.installScripts],
    [128, 3, 512, { min: 0, max: null, concurrency: 1 }, 'onDeploy', undefined, false],
  );
});

test('an unknown key is refused with its path and the nearest known key, at every depth', () => {
  assert.deepEqual(faults({ functions: { detect: { ...minimal, memroyMb: 512 } } }), [
    'functions.detect.memroyMb: unknown key; did you mean memoryMb?',
  ]);
  assert.deepEqual(faults({ functions: { a: { ...minimal, scaling: { maximum: 1 } } } }), [
    'functions.a.scaling.maximum: unknown key; known keys: min, max, concurrency, keepAlive',
  ]);
  assert.deepEqual(faults({ functions: { a: { ...minimal, triggers: [{ objects: { bukcet: 'x', bucket: 'y' } }] } } }), [
    'functions.a.triggers[0].objects.bukcet: unknown key; did you mean bucket?',
  ]);
  assert.deepEqual(faults({ function: {} })[1], 'function: unknown key; did you mean functions?');
});

test('a sample event is an object; only hearth.yaml may name a file instead', () => {
  assert.deepEqual(parseFunctionManifest({ ...minimal, rehearse: { a: [1, null] } }).rehearse, { a: [1, null] });
  for (const rehearse of ['./event.json', [1], { text: 'x'.repeat(300_000) }])
    assert.throws(() => parseFunctionManifest({ ...minimal, rehearse }), /rehearse: must be/);
});

test('a wrong value is refused in words', () => {
  assert.deepEqual(faults({ functions: { a: { ...minimal, runtime: 'node20.x' } } }), [
    'functions.a.runtime: "node20.x" is not known; did you mean nodejs20.x?',
  ]);
  assert.deepEqual(faults({ functions: { a: { handler: 'x.y' } } }), [
    'functions.a.runtime: is missing (Lambda’s name for the runtime, such as nodejs20.x or python3.11)',
  ]);
  assert.deepEqual(faults({ functions: { a: { ...minimal, scaling: { keepAlive: 'long' } } } }), [
    'functions.a.scaling.keepAlive: must be seconds (0 to 86400), fixed or histogram',
  ]);
  assert.match(faults({ functions: { a: { ...minimal, memoryMb: 64 } } })[0] ?? '', /^functions\.a\.memoryMb: .*128/);
  const said = (member: object): string => (faults({ functions: { a: { ...minimal, ...member } } })[0] ?? '').replace('functions.a.', '');
  assert.equal(said({ runtime: 'nodejs20' }), 'runtime: "nodejs20" is not known; did you mean nodejs20.x?');
  assert.equal(said({ runtime: 'python311' }), 'runtime: "python311" is not known; did you mean python3.11?');
  // What Lambda gave up long ago is never what somebody meant.
  assert.equal(said({ runtime: 'nodejs99.x' }), 'runtime: "nodejs99.x" is not known; did you mean nodejs18.x?');
  for (const runtime of ['python', 'node', 3.11])
    assert.match(said({ runtime }), /^runtime: .* is not known; must be one of nodejs18\.x, nodejs20\.x, /);
  assert.equal(said({ memoryMb: '512MB' }), 'memoryMb: must be a number, not "512MB" (Memory of an instance, MB)');
  assert.equal(said({ memoryMb: 200.5 }), 'memoryMb: must be a whole number, not 200.5');
  assert.equal(said({ timeoutSeconds: 901 }), 'timeoutSeconds: must be at most 900, not 901');
  assert.equal(
    said({ installScripts: 'yes' }),
    'installScripts: must be true or false, not "yes" (Run what dependencies want to run when they are installed. Off: such code never runs)',
  );
  assert.equal(
    said({ timeoutSeconds: '9' }),
    'timeoutSeconds: must be a number, not "9"; write it without quotes (Longest an invocation may take, seconds)',
  );
  assert.equal(said({ url: true }), 'url: must have keys below it, not true');
  assert.equal(said({ triggers: { queue: 'a' } }), 'triggers: must be a list, each item begun with "- ", not keys below it');
  assert.equal(said({ tags: { team: 7 } }), 'tags.team: must be text, not 7; put it in quotes');
  assert.equal(said({ code: '' }), 'code: must not be empty (Folder of the function, relative to this file)');
  assert.equal(said({ environment: { A: '1' } }), 'environment.A: must be a letter and then one or more letters, digits or _');
  assert.deepEqual(faults({ functions: null }), ['functions: must have keys below it, not nothing']);
  assert.match(faults({ functions: { 'a b': minimal } })[0] ?? '', /^functions\.a b: must be a function name/);
  assert.match(faults({ functions: { a: { ...minimal, triggers: [{}] } } })[0] ?? '', /exactly one of http, objects/);
  assert.match(faults({ functions: { a: { ...minimal, scaling: { min: 3, max: 2 } } } })[0] ?? '', /min must not be more than max/);
  for (const value of [null, 7, 'x', [], { functions: [] }, { functions: { a: null } }])
    assert.notEqual(faults(value).length, 0, JSON.stringify(value));
});

test('the published JSON schema is what the code says', () => {
  const published = JSON.parse(readFileSync(new URL('../../../schema/hearth.schema.json', import.meta.url), 'utf8')) as unknown;
  assert.deepEqual(published, JSON.parse(JSON.stringify(manifestJsonSchema())), 'run: npm run build && node scripts/schema.mjs');
});
