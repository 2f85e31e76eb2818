import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { heldBytes } from '../../test/held-bytes.ts';
import { randomIds } from '../lib/ids.ts';
import { FileBlobs } from './file-blobs.ts';

test('what is taken hold of while others are being removed stays readable to its end', async () => {
  const root = mkdtempSync(join(tmpdir(), 'hearth-blobs-'));
  const blobs = new FileBlobs(root, randomIds);
  const ids: string[] = [];
  for (const text of ['first', 'second', 'third']) {
    const blob = await blobs.create();
    await blob.write(Buffer.from(text));
    await blob.finish();
    blob.keep();
    ids.push(blob.id);
  }
  const [, , third = ''] = ids;
  const removed = blobs.remove(ids);
  const hold = blobs.hold([third]);
  await removed;
  const read = async (): Promise<string> => {
    let text = '';
    for await (const chunk of hold.read(third, 0, 4)) text += chunk.toString();
    return text;
  };
  assert.equal(await read(), 'third');
  hold.release();
  assert.equal(await blobs.sweep(async () => new Set()), 0);
  await assert.rejects(read(), /is gone/);
  rmSync(root, { recursive: true });
});

test('what is beside the folders of blobs is nobody’s business', async () => {
  const root = mkdtempSync(join(tmpdir(), 'hearth-blobs-'));
  const blobs = new FileBlobs(root, randomIds);
  writeFileSync(join(root, '.DS_Store'), '');
  writeFileSync(join(root, 'ff', 'ff00'), '');
  assert.equal(await blobs.sweep(async () => new Set()), 1);
  assert.deepEqual([existsSync(join(root, '.DS_Store')), readdirSync(join(root, 'ff'))], [true, []]);
  rmSync(root, { recursive: true });
});

test('what comes in single bytes takes no more memory than what comes whole', async () => {
  const root = mkdtempSync(join(tmpdir(), 'hearth-blobs-'));
  const blob = await new FileBlobs(root, randomIds).create();
  const bytes = Buffer.alloc(64 * 1024);
  const before = heldBytes();
  const count = (1 << 20) - 1; // all of it waits to be written
  for (let at = 0; at < count; at++) await blob.write(bytes.subarray(at % bytes.length, (at % bytes.length) + 1));
  const grown = heldBytes() - before;
  assert.ok(grown < 16 << 20, `${grown} bytes more`);
  await blob.finish();
  assert.equal(statSync(join(root, blob.id.slice(0, 2), blob.id)).size, count);
  await blob.discard();
  rmSync(root, { recursive: true });
});
