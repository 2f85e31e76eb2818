import { chmodSync, copyFileSync, linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HearthError } from '../../errors.ts';
import { processStart } from '../process-identity.ts';
import type { Distribution } from './distribution.ts';
import { linkLibraries } from './library-links.ts';

/** Needed to build extensions, not to run. */
const SKIPPED = /\.a$|^lib\/pkgconfig|^lib\/postgresql\/pgxs|^include/;

/** Where a copy may lie, first choice first: a cache, shared by every home of this machine. */
function places(): string[] {
  return ['/var/cache/hearth', join(tmpdir(), 'hearth-cache')];
}

/**
 * A copy of the distribution that every account can read, made once per machine and version (hard links where the
 * file system allows: no space, some 30 ms). Safe to delete whenever no Hearth runs. Returns its folder.
 */
export function copyForEveryone(distribution: Distribution, candidates: readonly string[] = places()): string {
  const failures: unknown[] = [];
  for (const place of candidates) {
    try {
      return copyUnder(place, distribution);
    } catch (error) {
      failures.push(error);
    }
  }
  throw new HearthError(
    'ServiceUnavailable',
    `PostgreSQL's programs could not be copied to any of ${candidates.join(', ')}, where an account other than root can run them: ${failures.map(String).join('; ')}. Make one of them writable, start Hearth as an ordinary user, or set DATABASE_URL.`,
    { cause: failures[0] },
  );
}

function copyUnder(place: string, { native, version }: Distribution): string {
  mkdirSync(place, { recursive: true, mode: 0o755 });
  assertOurs(place);
  const name = `postgres-${version}-${process.arch}`;
  const target = join(place, name);
  if (lstatSync(target, { throwIfNoEntry: false }) !== undefined) return target;
  removeUnfinished(place, name);
  const draft = `${target}.new.${process.pid}`;
  try {
    copyTree(native, draft, '');
    linkLibraries(draft, join(draft, 'lib'));
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Another Hearth was quicker.
    if (lstatSync(target, { throwIfNoEntry: false }) === undefined) throw error;
  }
  return target;
}

/** A folder below a world-writable one may have been put there by anybody, and programs in it run as our database. */
function assertOurs(place: string): void {
  const stat = lstatSync(place);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o022) !== 0) {
    throw new Error(`${place} is not a folder that only its owner, this user, can write to`);
  }
  for (let dir = place; dir !== dirname(dir); dir = dirname(dir)) {
    if ((lstatSync(dir).mode & 0o001) === 0) throw new Error(`${dir} can't be entered by other accounts`);
  }
}

function removeUnfinished(place: string, name: string): void {
  for (const entry of readdirSync(place)) {
    const pid = entry.startsWith(`${name}.new.`) ? Number(entry.slice(name.length + 5)) : null;
    if (pid !== null && processStart(pid) === null) rmSync(join(place, entry), { recursive: true, force: true });
  }
}

function copyTree(from: string, to: string, path: string): void {
  mkdirSync(to, { mode: 0o755 });
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const inner = path === '' ? entry.name : `${path}/${entry.name}`;
    if (SKIPPED.test(inner)) continue;
    if (entry.isDirectory()) copyTree(join(from, entry.name), join(to, entry.name), inner);
    else if (entry.isFile()) copyFile(join(from, entry.name), join(to, entry.name), inner.startsWith('bin/') ? 0o755 : 0o644);
  }
}

function copyFile(from: string, to: string, mode: number): void {
  if ((lstatSync(from).mode & mode) === mode) {
    try {
      linkSync(from, to);
      return;
    } catch {
      // Another file system, or one without links: then a true copy.
    }
  }
  copyFileSync(from, to);
  chmodSync(to, mode);
}
