import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { copyForEveryone } from './shared-copy.ts';

let scratch = '';
let native = '';

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'hearth-copy-'));
  chmodSync(scratch, 0o755);
  native = join(scratch, 'private', 'native');
  for (const dir of ['bin', 'lib/pkgconfig', 'share']) mkdirSync(join(native, dir), { recursive: true });
  chmodSync(join(scratch, 'private'), 0o700);
  for (const file of ['bin/postgres', 'lib/libpq.so.5.18', 'lib/libpq.a', 'lib/pkgconfig/libpq.pc', 'share/data.sql'])
    writeFileSync(join(native, file), file, { mode: 0o600 });
  chmodSync(join(native, 'share/data.sql'), 0o644);
  writeFileSync(
    join(native, 'pg-symlinks.json'),
    JSON.stringify([{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }]),
  );
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

test('everyone can read and run the copy, whatever the original allows; what only builds is left out', () => {
  const copy = copyForEveryone({ native, version: '1' }, [join(scratch, 'cache')]);
  const mode = (path: string): number => statSync(join(copy, path)).mode & 0o777;
  assert.deepEqual(
    [mode(''), mode('bin'), mode('bin/postgres'), mode('lib/libpq.so.5.18'), mode('share/data.sql')],
    [0o755, 0o755, 0o755, 0o644, 0o644],
  );
  assert.deepEqual(readdirSync(join(copy, 'lib')), ['libpq.so.5', 'libpq.so.5.18']);
  assert.equal(readlinkSync(join(copy, 'lib/libpq.so.5')), 'libpq.so.5.18');
  assert.equal(statSync(join(native, 'bin/postgres')).mode & 0o777, 0o600, 'the original is as it was');
});

test('is made once, and what a killed process left half made is removed', () => {
  const cache = join(scratch, 'cache');
  mkdirSync(join(cache, `postgres-1-${process.arch}.new.999999999`), { recursive: true });
  const copy = copyForEveryone({ native, version: '1' }, [cache]);
  rmSync(native, { recursive: true });
  assert.equal(copyForEveryone({ native, version: '1' }, [cache]), copy);
  assert.deepEqual(readdirSync(cache), [`postgres-1-${process.arch}`]);
});

test('a folder that others can write to, or can not enter, is passed over', () => {
  const open = join(scratch, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  const closed = join(scratch, 'private', 'cache');
  const good = join(scratch, 'good');
  assert.ok(copyForEveryone({ native, version: '1' }, [open, closed, good]).startsWith(good));
  assert.equal(existsSync(join(open, `postgres-1-${process.arch}`)), false);
  assert.throws(() => copyForEveryone({ native, version: '1' }, [open, closed]), /ordinary user, or set DATABASE_URL/);
});
