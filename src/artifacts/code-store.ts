import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HearthError } from '../errors.ts';
import type { CodePackage } from './artifacts.ts';
import { hexOfSha256, isHexDigest, sha256Base64 } from './digest.ts';
import { exists, publish, scratch, type Folders } from './folders.ts';
import type { Recent } from './recent.ts';
import { syncTree } from './sync-tree.ts';
import { unpack, type UnpackLimits } from './unpack.ts';

/** Code packages on disk, by the digest of their zip. */
export class CodeStore {
  readonly #folders: Folders;
  readonly #limits: UnpackLimits;
  readonly #recent: Recent;
  readonly #restoring = new Map<string, Promise<void>>();

  constructor(folders: Folders, limits: UnpackLimits, recent: Recent) {
    this.#folders = folders;
    this.#limits = limits;
    this.#recent = recent;
  }

  /** Checks, unpacks and keeps a zip. */
  async put(zip: Buffer): Promise<CodePackage> {
    const sha256 = sha256Base64(zip);
    this.#recent.add(hexOfSha256(sha256));
    if (await exists(join(this.#folder(sha256), 'root'))) return { sha256, bytes: zip.length };
    await using made = await scratch(this.#folders);
    await unpack(zip, await subfolder(made.path, 'root'), this.#limits);
    return await this.#keep(made.path, zip, null);
  }

  /** Keeps a folder that a build made, together with its zip. `root` is moved. */
  async putBuilt(root: string, zip: Buffer, dependencies: string | null): Promise<CodePackage> {
    await using made = await scratch(this.#folders);
    await rename(root, join(made.path, 'root'));
    return await this.#keep(made.path, zip, dependencies);
  }

  /** Folder of the unpacked code; unpacked again from the zip if it was lost. */
  async taskRoot(sha256: string): Promise<string> {
    const root = join(this.#folder(sha256), 'root');
    if (await exists(root)) return root;
    let restoring = this.#restoring.get(sha256);
    if (restoring === undefined) {
      restoring = this.#restore(sha256, root).finally(() => this.#restoring.delete(sha256));
      this.#restoring.set(sha256, restoring);
    }
    await restoring;
    return root;
  }

  async zipPath(sha256: string): Promise<string> {
    const path = join(this.#folder(sha256), 'package.zip');
    if (!(await exists(path))) throw new HearthError('ServiceException', `The code package ${sha256} is lost: deploy the function again.`);
    return path;
  }

  /** Digest of the dependencies that a built package's node_modules points to. */
  async dependenciesOf(sha256: string): Promise<string | null> {
    const digest = await readFile(join(this.#folder(sha256), 'link'), 'utf8').catch(() => null);
    return digest !== null && isHexDigest(digest) ? digest : null;
  }

  async #keep(made: string, zip: Buffer, dependencies: string | null): Promise<CodePackage> {
    const sha256 = sha256Base64(zip);
    this.#recent.add(hexOfSha256(sha256));
    const path = join(made, 'package.zip');
    await writeFile(path, zip, { mode: 0o644 });
    if (dependencies !== null) {
      await writeFile(join(made, 'link'), dependencies);
      await linkModules(join(made, 'root'), dependencies);
    }
    // All of it, and what a build put into `root` after it was unpacked: what has its final name is whole, be the power cut then.
    await syncTree(made);
    const folder = this.#folder(sha256);
    // A folder whose root was lost gives way to the whole one.
    if ((await exists(folder)) && !(await exists(join(folder, 'root')))) await rm(folder, { recursive: true, force: true });
    await publish(made, folder);
    return { sha256, bytes: zip.length };
  }

  async #restore(sha256: string, root: string): Promise<void> {
    const zip = await readFile(await this.zipPath(sha256));
    await using made = await scratch(this.#folders);
    const fresh = await subfolder(made.path, 'root');
    await unpack(zip, fresh, this.#limits);
    const dependencies = await this.dependenciesOf(sha256);
    if (dependencies !== null) await linkModules(fresh, dependencies);
    await syncTree(fresh);
    await publish(fresh, root);
  }

  #folder(sha256: string): string {
    return join(this.#folders.code, hexOfSha256(sha256));
  }
}

/**
 * Node.js looks for an ES module's packages in node_modules folders upwards and nowhere else, so the code needs one. Relative, so that
 * it also holds where the folder of artifacts is mounted elsewhere.
 */
async function linkModules(root: string, dependencies: string): Promise<void> {
  await symlink(join('..', '..', '..', 'dependencies', dependencies, 'node_modules'), join(root, 'node_modules'));
}

async function subfolder(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  await chmod(path, 0o755);
  return path;
}
