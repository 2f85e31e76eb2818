/** A code package, unpacked and ready to run. */
export interface CodePackage {
  /** SHA-256 of the zip, base64, as Lambda's CodeSha256. */
  readonly sha256: string;
  /** Size of the zip in bytes. */
  readonly bytes: number;
}

/** One step of a build, for whoever waits for it. */
export interface BuildProgress {
  readonly step: 'unpack' | 'dependencies' | 'bundle' | 'package';
  readonly message: string;
}

export interface BuildRequest {
  /** A zip of the function's folder as its author has it. */
  readonly source: Buffer;
  readonly runtime: string;
  readonly handler: string;
  /** Run the install scripts of dependencies (npm); off unless the function asks. */
  readonly installScripts: boolean;
  readonly progress: (p: BuildProgress) => void;
}

/** What a build made. */
export interface Build {
  readonly code: CodePackage;
  /** Digest of the installed dependencies (see `dependencyRoot`), or null when there are none. */
  readonly dependencies: string | null;
}

/** Code packages and dependencies on disk, by digest. Whole or absent, also after a crash; two at once of the same digest is fine. */
export interface Artifacts {
  /** Checks, stores and unpacks a zip. Throws InvalidZipFileException for what is not a zip or wants out of its folder. */
  putCode(zip: Buffer): Promise<CodePackage>;
  /** Source to code package: install dependencies (cached by content), bundle TypeScript. Throws BuildFailed with the tool's output. */
  build(request: BuildRequest): Promise<Build>;
  /** Folder of an unpacked package; unpacks it again if it was lost. */
  taskRoot(sha256: string): Promise<string>;
  /** Folder with `node_modules/` or `python/` of that digest. */
  dependencyRoot(digest: string): Promise<string>;
  /** Folder in which the unpacked zips of layers lie on top of one another, in this order; made when it is not there. */
  layersRoot(sha256s: readonly string[]): Promise<string>;
  /** The zip's bytes, as a file's path. */
  zipPath(sha256: string): Promise<string>;
  /** Removes what none of the given digests refers to, and bounds what package managers downloaded; returns the bytes freed. */
  sweep(inUse: { readonly code: ReadonlySet<string>; readonly dependencies: ReadonlySet<string> }): Promise<number>;
}
