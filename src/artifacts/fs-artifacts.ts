import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { stop as stopEsbuild } from 'esbuild';
import { HearthError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../store/log.ts';
import type { Artifacts, Build, BuildRequest, CodePackage } from './artifacts.ts';
import { CodeStore } from './code-store.ts';
import { Dependencies } from './dependencies.ts';
import { hexOfSha256, isHexDigest } from './digest.ts';
import { DownloadCache } from './download-cache.ts';
import { exists, openFolders, scratch, type Folders, type Unremoved } from './folders.ts';
import type { Interpreters } from './interpreters.ts';
import { layersRoot } from './layers.ts';
import { pack } from './pack.ts';
import { Recent } from './recent.ts';
import { sweepFolders } from './sweep.ts';
import { bundle, typescriptEntry } from './typescript.ts';
import { unpack } from './unpack.ts';
import { clearWorkshops } from './workshop.ts';

export interface FsArtifactsOptions {
  /** `HOME/artifacts`; one server at a time. */
  readonly root: string;
  readonly interpreters: Interpreters;
  readonly clock: Clock;
  /** Is told of what could not be removed. */
  readonly log: Pick<Log, 'warn'>;
  /** Most bytes a package may have when unpacked; Lambda's 262144000 unless given. */
  readonly unpackedBytes?: number;
  /** Longest one install of dependencies may take; 10 minutes unless given. */
  readonly installTimeoutMs?: number;
  /** Most bytes of what package managers downloaded that are kept for the next install, where that is ours to keep (as root); 4 GB unless given. */
  readonly cacheBytes?: number;
}

const UNPACKED_BYTES = 262_144_000;
/** Wheels of torch and its libraries take 3 GB. */
const CACHE_BYTES = 4 * 1024 ** 3;
const INSTALL_TIMEOUT_MS = 10 * 60_000;
/** Longer than a deployment takes from its build to its registration. */
const RECENT_MS = 15 * 60_000;

/** Artifacts in the file system. */
export class FsArtifacts implements Artifacts {
  readonly #folders: Folders;
  readonly #code: CodeStore;
  readonly #dependencies: Dependencies;
  readonly #cache: DownloadCache;
  readonly #limits: { readonly unpackedBytes: number };
  readonly #stop = new AbortController();
  readonly #building = new Set<Promise<Build>>();
  readonly #recent: Recent;
  readonly #unremoved: Unremoved;

  private constructor(options: FsArtifactsOptions, folders: Folders) {
    this.#folders = folders;
    this.#unremoved = unremovedTo(options.log);
    this.#limits = { unpackedBytes: options.unpackedBytes ?? UNPACKED_BYTES };
    this.#recent = new Recent(options.clock, RECENT_MS);
    this.#code = new CodeStore(folders, this.#limits, this.#recent);
    const maxBytes = options.cacheBytes ?? CACHE_BYTES;
    this.#cache = new DownloadCache({ path: cacheFolder(options.root), folders, maxBytes, unremoved: this.#unremoved });
    this.#dependencies = new Dependencies({
      folders,
      interpreters: options.interpreters,
      clock: options.clock,
      signal: this.#stop.signal,
      timeoutMs: options.installTimeoutMs ?? INSTALL_TIMEOUT_MS,
      cache: this.#cache,
      recent: this.#recent,
    });
  }

  /** Opens the folder, creating it, and removes what a killed server left half-made. */
  static async open(options: FsArtifactsOptions): Promise<FsArtifacts> {
    await mkdir(options.root, { recursive: true });
    const root = await realpath(options.root); // esbuild reports real paths
    const unremoved = unremovedTo(options.log);
    await clearWorkshops(cacheFolder(root), unremoved);
    return new FsArtifacts({ ...options, root }, await openFolders(root, unremoved));
  }

  putCode(zip: Buffer): Promise<CodePackage> {
    return this.#code.put(zip);
  }

  async build(request: BuildRequest): Promise<Build> {
    const building = this.#build(request);
    this.#building.add(building);
    try {
      return await building;
    } finally {
      this.#building.delete(building);
    }
  }

  async #build({ source, runtime, handler, installScripts, progress }: BuildRequest): Promise<Build> {
    await using work = await scratch(this.#folders);
    progress({ step: 'unpack', message: `unpacking ${source.length} bytes` });
    await unpack(source, work.path, this.#limits);
    const dependencies = await this.#dependencies.ensure({ source: work.path, runtime, installScripts }, progress);
    const entry = runtime.startsWith('nodejs') ? await typescriptEntry(work.path, handler) : null;
    if (entry !== null) {
      progress({ step: 'bundle', message: entry });
      await bundle(work.path, entry, runtime);
    }
    // The comment makes packages differ that have the same files but other dependencies.
    const zip = await pack(work.path, dependencies === null ? '' : `dependencies ${dependencies}`);
    const modules = runtime.startsWith('nodejs') ? dependencies : null;
    const code = await this.#code.putBuilt(work.path, zip, modules);
    progress({ step: 'package', message: `packed as ${code.bytes} bytes, sha256 ${code.sha256}` });
    return { code, dependencies };
  }

  taskRoot(sha256: string): Promise<string> {
    return this.#code.taskRoot(sha256);
  }

  async dependencyRoot(digest: string): Promise<string> {
    if (!isHexDigest(digest)) throw new HearthError('InvalidParameterValueException', `not a digest of dependencies: ${digest}`);
    const folder = join(this.#folders.dependencies, digest);
    if (!(await exists(folder)))
      throw new HearthError('ServiceException', `The dependencies ${digest.slice(0, 12)} are lost: deploy the function again.`);
    return folder;
  }

  layersRoot(sha256s: readonly string[]): Promise<string> {
    return layersRoot(sha256s, this.#code, this.#folders);
  }

  zipPath(sha256: string): Promise<string> {
    return this.#code.zipPath(sha256);
  }

  /** What was made or asked for within the last minutes is kept too: a deployment may be about to refer to it. */
  async sweep(inUse: { readonly code: ReadonlySet<string>; readonly dependencies: ReadonlySet<string> }): Promise<number> {
    const code = new Set([...inUse.code].map(hexOfSha256));
    const dependencies = new Set(inUse.dependencies);
    for (const sha256 of inUse.code) {
      const linked = await this.#code.dependenciesOf(sha256);
      if (linked !== null) dependencies.add(linked);
    }
    const kept = (name: string): boolean => code.has(name) || dependencies.has(name) || this.#recent.has(name);
    return (await sweepFolders(this.#folders, kept, this.#unremoved)) + (await this.#cache.bound());
  }

  /** Ends the installs under way and the bundler. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled(this.#building);
    await stopEsbuild();
  }
}

function cacheFolder(root: string): string {
  return join(root, 'cache');
}

function unremovedTo(log: Pick<Log, 'warn'>): Unremoved {
  return (err, path) => log.warn({ err, path }, 'could not be removed, and stays');
}
