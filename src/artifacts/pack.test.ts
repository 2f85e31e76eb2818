import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fromBufferPromise } from 'yauzl';
import { ZipFile } from 'yazl';
import { directoryRecord, ending, heading, type ZipEntry } from '../lib/zip-records.ts';
import { pack } from './pack.ts';

let home: string;
before(async () => void (home = await mkdtemp(join(tmpdir(), 'hearth-pack-'))));
after(() => rm(home, { recursive: true, force: true }));

test('a package has the bytes that yazl gives it: a function that did not change keeps its digest', async () => {
  const folder = join(home, 'f');
  const files = { 'a-b.js': 'a', 'a/b.js': 'b'.repeat(100_000), 'é.txt': '', 'bin/run': '#!/bin/sh' };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  await chmod(join(folder, 'bin/run'), 0o755);
  await mkdir(join(folder, 'a-empty'));
  await symlink('b.js', join(folder, 'a/link'));
  await writeFile(join(folder, 'large'), 'x');
  await truncate(join(folder, 'large'), 9_000_000);

  const zip = new ZipFile();
  const of = { mtime: new Date(1980, 0, 1), forceDosTimestamp: true };
  const large = Buffer.alloc(9_000_000, 'x', 'latin1').fill(0, 1);
  const add = (name: string, mode = 0o100644): void => {
    const content = name === 'large' ? large : Buffer.from(files[name as keyof typeof files]);
    zip.addReadStreamLazy(name, { ...of, mode, compress: false }, (done) => done(null, Readable.from([content])));
  };
  add('a-b.js');
  zip.addEmptyDirectory('a-empty', { ...of, mode: 0o40755 });
  add('a/b.js');
  zip.addBuffer(Buffer.from('b.js'), 'a/link', { ...of, mode: 0o120777, compress: false });
  add('bin/run', 0o100755);
  add('large');
  add('é.txt');
  zip.end({ comment: 'dependencies 12', forceZip64Format: false });

  const expected = await buffer(zip.outputStream as Readable);
  assert.ok((await pack(folder, 'dependencies 12')).equals(expected));
});

test('more entries than the first version of the format could count', async () => {
  const count = 70_000;
  const parts: Buffer[] = [];
  const records: Buffer[] = [];
  const none = { crc32: 0, storedSize: 0, size: 0 };
  let at = 0;
  for (let i = 0; i < count; i++) {
    const entry: ZipEntry = { name: `f${i}`, mode: 0o100644, deflated: false, described: false };
    const head = heading(entry, none);
    records.push(directoryRecord(entry, none, at));
    parts.push(head);
    at += head.length;
  }
  const directory = Buffer.concat(records);
  const zip = await fromBufferPromise(Buffer.concat([...parts, directory, ending(count, directory.length, at)]));
  const names = new Set<string>();
  for await (const entry of zip.eachEntry()) names.add(entry.fileName);
  assert.equal(names.size, count);
});
