import type { Logging } from './logging.ts';

/** How a snapshot comes to be: with the deployment, with the first start, or never (each instance runs its own init phase). */
type SnapshotMode = 'onDeploy' | 'onFirstUse' | 'off';

/** How instances of a function come and go. */
export interface Scaling {
  /** Instances kept alive even when idle. */
  readonly min: number;
  /** Most instances at once; null = as many as the machine takes. Reaching it answers 429 at once, as Lambda's reserved concurrency does. */
  readonly max: number | null;
  /** Invocations one instance handles at a time; 1 as on Lambda. In Python, more means threads. */
  readonly concurrency: number;
  /** How long an idle instance is kept under the policy `fixed`, and while `histogram` is learning; milliseconds. Null: as long as the server keeps any. */
  readonly keepAliveMs: number | null;
  /** Which policy decides what stays resident; `server`: the one that the server is configured with. Absent: `fixed`. */
  readonly keepAlive?: 'fixed' | 'histogram' | 'server' | undefined;
}

/** What browsers of other origins may do with a function URL; an empty list allows nothing. */
export interface UrlCors {
  readonly allowCredentials: boolean;
  readonly allowHeaders: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowOrigins: readonly string[];
  readonly exposeHeaders: readonly string[];
  /** How long a browser may keep the answer to its preflight request, seconds. */
  readonly maxAgeSeconds: number;
}

/** A function URL: who may call it, and how answers come. */
export interface FunctionUrl {
  readonly auth: 'NONE' | 'AWS_IAM';
  /** Absent: BUFFERED. */
  readonly invokeMode?: 'BUFFERED' | 'RESPONSE_STREAM';
  /** Absent: the function answers preflight requests itself. */
  readonly cors?: UrlCors;
  /** Milliseconds since the epoch; absent: with the function. */
  readonly createdAtMs?: number;
  readonly modifiedAtMs?: number;
}

/** A version of a layer, as a function refers to it. It stays as it is when the layer is deleted. */
export interface LayerReference {
  readonly arn: string;
  /** Of its zip, as a function's `codeSha256`. */
  readonly codeSha256: string;
  readonly codeBytes: number;
}

/**
 * One revision of a function, frozen: all that is needed to run it. `$LATEST` is a version that is replaced by a
 * new object with a new `revisionId` on every change of code or configuration; numbered versions never change.
 */
export interface FunctionVersion {
  /** Immutable id of the function, surviving every change; a UUID. */
  readonly functionId: string;
  readonly accountId: string;
  readonly region: string;
  readonly name: string;
  /** `$LATEST` or a number in decimal. */
  readonly version: string;
  /** Changes with every change of code or configuration; snapshots and usage refer to it. */
  readonly revisionId: string;
  /** Lambda's name for the runtime: `nodejs20.x`, `python3.11`, `provided.al2023`. */
  readonly runtime: string;
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  readonly ephemeralStorageMb: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly description: string;
  readonly role: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly architecture: 'x86_64' | 'arm64';
  /** The zip as it was given: SHA-256 in base64 (Lambda's CodeSha256) and its size in bytes. */
  readonly codeSha256: string;
  readonly codeBytes: number;
  /** Digest of the installed dependencies, or null; see artifacts/. */
  readonly dependencies: string | null;
  readonly scaling: Scaling;
  readonly snapshot: SnapshotMode;
  /** A sample event, as JSON text, that the handler is run with before its snapshot is taken; null: none. */
  readonly rehearsal: string | null;
  readonly url: FunctionUrl | null;
  /** What is merged into /opt, in this order. Absent: nothing. */
  readonly layers?: readonly LayerReference[];
  /** How it logs. Absent: as text, all of it, to `/aws/lambda/NAME`. */
  readonly logging?: Logging | undefined;
  /** Members of Lambda's configuration that change nothing here: kept to be given back as they came. */
  readonly kept?: Readonly<Record<string, unknown>>;
  /** When this revision was made, milliseconds since the epoch. */
  readonly modifiedAtMs: number;
}

/** The unqualified ARN of a function. */
export function functionArn(f: Pick<FunctionVersion, 'region' | 'accountId' | 'name'>): string {
  return `arn:aws:lambda:${f.region}:${f.accountId}:function:${f.name}`;
}

/** The log group of a function, as on Lambda. */
export function logGroup(f: Pick<FunctionVersion, 'name' | 'logging'>): string {
  return f.logging?.group ?? `/aws/lambda/${f.name}`;
}
