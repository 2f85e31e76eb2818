import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { silent } from '../../test/silent-log.ts';
import { HearthError } from '../errors.ts';
import { VirtualClock } from '../lib/virtual-clock.ts';
import { FsArtifacts } from './fs-artifacts.ts';
import { MODE, zip } from './testing/zip.ts';

const options = { interpreters: { find: async () => null, found: async () => [] }, clock: new VirtualClock(0), log: silent };

let home: string;
let artifacts: FsArtifacts;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'hearth-unpack-'));
  artifacts = await FsArtifacts.open({ ...options, root: join(home, 'artifacts') });
});

after(async () => {
  await artifacts.close();
  await rm(home, { recursive: true, force: true });
});

/** The same zip with every occurrence of a name replaced by another of equal length: what no honest packer writes. */
function forge(honest: Buffer, name: string, evil: string): Buffer {
  assert.equal(name.length, evil.length);
  return Buffer.from(honest.toString('latin1').replaceAll(name, evil), 'latin1');
}

async function refused(bytes: Buffer, code: string, message: RegExp): Promise<void> {
  await assert.rejects(
    artifacts.putCode(bytes),
    (error: unknown) => error instanceof HearthError && error.code === code && message.test(error.message),
  );
  assert.deepEqual(await readdir(join(home, 'artifacts', 'tmp')), [], 'nothing is left behind');
}

test('what is no zip, or wants out of its folder, is refused', async () => {
  const say = /^Could not unzip uploaded file\. Please check your file, then try to upload again\.$/;
  await refused(Buffer.from('PK not really a zip, only its first letters'), 'InvalidZipFileException', say);
  await refused(Buffer.alloc(0), 'InvalidZipFileException', /non-empty zip/);
  await refused(await zip({}), 'InvalidZipFileException', /non-empty zip/);
  const honest = await zip({ 'aa/evil.js': 'x'.repeat(200) });
  await refused(forge(honest, 'aa/evil.js', '../evil.js'), 'InvalidZipFileException', say);
  await refused(forge(honest, 'aa/evil.js', '/a/evil.js'), 'InvalidZipFileException', say);
  await refused(forge(honest, 'aa/evil.js', 'aa\\evil.js'), 'InvalidZipFileException', say);
  await refused(honest.subarray(0, honest.length - 30), 'InvalidZipFileException', say);
  const flipped = Buffer.from(honest);
  flipped.fill(0xff, 45, 52);
  await refused(flipped, 'InvalidZipFileException', say);
});

test('symbolic links that lead out are refused, also by a detour, and nothing is written through one', async () => {
  const say = /Could not unzip/;
  await refused(await zip({ l: ['/etc/passwd', MODE.link] }), 'InvalidZipFileException', say);
  await refused(await zip({ 'a/l': ['../../x', MODE.link] }), 'InvalidZipFileException', say);
  await refused(await zip({ d: ['.', MODE.link], 'sub/e': ['../d/..', MODE.link], 'sub/f': '1' }), 'InvalidZipFileException', say);
  await refused(await zip({ d: ['/tmp', MODE.link], 'd/written-through-a-link': '1' }), 'InvalidZipFileException', say);
  await refused(await zip({ pipe: ['x', 0o010644] }), 'InvalidZipFileException', say);
});

test('a zip bomb is refused with the words of Lambda, also when it lies about its size', async () => {
  const small = await FsArtifacts.open({ ...options, root: join(home, 'small'), unpackedBytes: 100_000 });
  const bomb = await zip({ zeros: '0'.repeat(5_000_000) });
  await assert.rejects(small.putCode(bomb), {
    code: 'InvalidParameterValueException',
    message: 'Unzipped size must be smaller than 100000 bytes',
  });
  const liar = Buffer.from(bomb);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(5_000_000);
  for (let at = liar.indexOf(size); at >= 0; at = liar.indexOf(size, at + 1)) liar.writeUInt32LE(10, at);
  await assert.rejects(small.putCode(liar), { code: 'InvalidZipFileException' });
  assert.deepEqual(await readdir(join(home, 'small', 'code')), []);
  assert.deepEqual(await readdir(join(home, 'small', 'tmp')), []);
});

test('a zip bomb of folders is refused: those that only a path names count, and no path is longer than what can be removed again', async () => {
  const code = 'InvalidParameterValueException';
  const long = (bytes: number): string => `${'x'.repeat(199)}/`.repeat(5) + 'y'.repeat(bytes - 1000);
  const deep = (folders: number): string => 'a/'.repeat(folders) + 'b';
  await artifacts.putCode(await zip({ [long(1024)]: 'as long as may be', [deep(100)]: 'and as deep' }));
  const bounds = 'A path in a package may have at most 1024 bytes and 100 folders, unlike the one that begins with ';
  await refused(await zip({ [long(1025)]: '' }), code, new RegExp(`^${bounds}x{80}$`));
  await refused(await zip({ [`${'é'.repeat(100)}/`.repeat(5) + 'é'.repeat(10)]: '' }), code, new RegExp(`^${bounds}é`));
  await refused(await zip({ [deep(101)]: '' }), code, new RegExp(`^${bounds}(a/){40}$`));
  const few = Array.from({ length: 510 }, (_, i) => [`${i}/${deep(99)}`, '']);
  await refused(await zip(Object.fromEntries(few)), code, /^A package may have at most 200000 files and 50000 folders$/);
});

test('folders are open to all whatever the umask, also those that no entry names', async () => {
  const umask = process.umask(0o077);
  try {
    const { sha256 } = await artifacts.putCode(await zip({ 'umask/is/strict/a.js': '1', 'umask/b.js': '2' }));
    const root = await artifacts.taskRoot(sha256);
    for (const name of ['umask', 'umask/is', 'umask/is/strict']) assert.equal((await stat(join(root, name))).mode & 0o777, 0o755, name);
  } finally {
    process.umask(umask);
  }
});

test('a zip whose content is not what its checksum says is refused, a file or a link', async () => {
  for (const mode of [MODE.file, MODE.link]) {
    const bytes = await zip({ 'b.js': ['honest', mode], honest: 'x' }, false);
    await refused(forge(bytes, 'honest', 'forged'), 'InvalidZipFileException', /^Could not unzip uploaded file/);
  }
});
