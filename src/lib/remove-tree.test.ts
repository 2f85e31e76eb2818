import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { removeTree } from './remove-tree.ts';

const directory = mkdtempSync(join(tmpdir(), 'hearth-remove-'));
after(() => rmSync(directory, { recursive: true }));

function aTree(name: string): string {
  const root = join(directory, name);
  mkdirSync(root);
  return root;
}

describe('removing what somebody else has filled', { timeout: 60_000 }, () => {
  it('leaves the event loop to others between two entries', async () => {
    const root = aTree('many');
    for (let i = 0; i < 2_000; i++) writeFileSync(join(root, String(i)), '');
    let turns = 0;
    let going = true;
    const count = (): void => {
      turns++;
      if (going) setImmediate(count);
    };
    count();
    await removeTree(root);
    going = false;
    assert.equal(existsSync(root), false);
    assert.ok(turns > 2_000, `${turns} turns`);
  });

  it('removes names that are no text, directories closed to their owner, and what looks like its own', async () => {
    const root = aTree('odd');
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]), '');
    mkdirSync(join(root, 'closed', 'below', 'further'), { recursive: true });
    writeFileSync(join(root, 'closed', 'below', 'file'), '');
    mkdirSync(join(root, 'raised-0', 'x'), { recursive: true });
    writeFileSync(join(root, 'raised-1'), '');
    chmodSync(join(root, 'closed', 'below'), 0o500);
    chmodSync(join(root, 'closed'), 0);
    await removeTree(root);
    assert.equal(existsSync(root), false);
  });

  it('removes directories nested deeper than a path can say', async () => {
    const root = aTree('deep');
    const before = process.cwd();
    try {
      process.chdir(root);
      for (let depth = 0; depth < 500; depth++) {
        mkdirSync('a-directory');
        process.chdir('a-directory');
      }
    } finally {
      process.chdir(before);
    }
    await removeTree(root);
    assert.equal(existsSync(root), false);
  });

  it('removes links, not what they lead to; a link in the place of the tree itself is left alone', async () => {
    const [root, outside] = [aTree('links'), aTree('outside')];
    writeFileSync(join(outside, 'kept'), '');
    symlinkSync(outside, join(root, 'link'));
    await removeTree(root);
    symlinkSync(outside, root);
    await removeTree(root);
    assert.ok(existsSync(join(outside, 'kept')));
  });

  it('is content where there is nothing', () => removeTree(join(directory, 'never')));
});
