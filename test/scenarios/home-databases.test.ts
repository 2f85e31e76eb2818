import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { soleDatabase } from '../../src/composition/sole-database.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { randomIds } from '../../src/lib/ids.ts';
import { aVersion } from '../../src/model/testing/a-version.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import { openTestDatabase } from '../fixtures/test-database.ts';
import { silent } from '../silent-log.ts';
import { languages, TestServer } from './platform-server.ts';
import { s3Client } from './s3-clients.ts';

test('a home that is used in another region, or with another database, for a while, keeps its code, uploads and logs', async () => {
  const database = await openTestDatabase();
  const at = database.server.connection('app') as { host: string; port: number; user: string; password: string };
  const databaseUrl = `postgresql://${at.user}:${at.password}@localhost:${at.port}/app?host=${encodeURIComponent(at.host)}`;
  const [node] = await languages();
  const first = await TestServer.start();
  const { home } = first;
  await first.deploy('echo', 'behaviours/echo', { runtime: node?.runtime, handler: 'index.handler' });
  const there = s3Client(first);
  await there.send(new CreateBucketCommand({ Bucket: 'kept' }));
  await there.send(new PutObjectCommand({ Bucket: 'kept', Key: 'photo', Body: 'of the holidays' }));
  there.destroy();
  await first.stop();
  const log = (name: string): string => join(home, 'logs', name, 'current.log');
  const writeLog = (name: string): void => {
    mkdirSync(join(home, 'logs', name), { recursive: true });
    writeFileSync(log(name), '1\ts\tr\twhat it said\n');
  };
  for (const name of ['echo', 'removed']) writeLog(name);
  for (const other of [{ region: 'eu-west-1' }, { databaseUrl }]) await (await TestServer.start({ home, ...other })).stop();
  assert.deepEqual(
    [existsSync(log('echo')), existsSync(log('removed'))],
    [true, false],
    'a log goes with its function, be the server killed in between',
  );
  writeLog('elsewhere');
  const again = await TestServer.start({ home });
  assert.ok(existsSync(log('elsewhere')), 'it may be of a function of the other database');
  assert.deepEqual((await again.call('echo', { a: 1 })).value, { a: 1 });
  const client = s3Client(again);
  const { Body } = await client.send(new GetObjectCommand({ Bucket: 'kept', Key: 'photo' }));
  assert.equal(await Body?.transformToString(), 'of the holidays');
  client.destroy();
  assert.deepEqual(await again.end(), []);
  await database.close();
});

/** A home, and what a start on it with a store says. */
function aHome(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), 'hearth-databases-'));
  t.after(() => rmSync(home, { recursive: true }));
  const base = { config: { ...DEFAULTS, home }, ids: randomIds, log: silent };
  return { home, file: join(home, 'databases'), sole: (store: ReturnType<typeof memoryStore>) => soleDatabase(base as never, store) };
}

test('the one database of a home may say what is nobody’s, until another one was used with it', async (t) => {
  const { home, file, sole } = aHome(t);
  const [one, other] = [memoryStore(), memoryStore()];
  assert.deepEqual([await sole(one), await sole(one)], [true, true]);
  assert.deepEqual([await sole(other), await sole(one)], [false, false]);
  assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, 2);
  rmSync(file);
  mkdirSync(join(home, 'objects', '00'), { recursive: true });
  writeFileSync(join(home, 'objects', '00', 'blob'), '');
  assert.equal(await sole(one), true, 'its owner has given up the other');
});

test('a home of before there were marks is its database’s, unless that is empty and the home is not', async (t) => {
  const [upgraded, strange] = [aHome(t), aHome(t)];
  for (const { home } of [upgraded, strange]) mkdirSync(join(home, 'artifacts', 'code', 'abc'), { recursive: true });
  const store = memoryStore();
  await store.functions.create(aVersion());
  assert.equal(await upgraded.sole(store), true);
  assert.deepEqual([await strange.sole(memoryStore()), await strange.sole(store)], [false, false]);
});

test('what a disk or a desktop puts beside uploads is none', async (t) => {
  const { home, sole } = aHome(t);
  mkdirSync(join(home, 'objects', 'lost+found', 'inside'), { recursive: true });
  writeFileSync(join(home, 'objects', '.DS_Store'), '');
  assert.equal(await sole(memoryStore()), true);
});
