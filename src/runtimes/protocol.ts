/**
 * The protocol between the host and a shim, over one Unix stream socket per process, in frames:
 *
 *     length u32 BE (of what follows) | type u8 | request u32 BE | payload
 *
 * `request` numbers an invocation on this connection (host's choice, > 0), 0 for everything else. Payloads are JSON in UTF-8,
 * except of `event` and `answer`, which are bytes, and of `call` and `returned`, which are what nearly every invocation is and are laid out in call-frames.ts. A peer that sees another version, an unknown type or a
 * frame longer than MAX_FRAME_BYTES closes the connection: nothing is guessed.
 *
 * A process greets with `hello`; the host answers `welcome`, which says what to become. See shims/README.md for the
 * conversation of each kind of process.
 */
export const PROTOCOL_VERSION = 2;

/** Longest frame either side may send, header excluded. */
export const MAX_FRAME_BYTES = 1 << 20;

/** Bodies travel in chunks of at most this many bytes. */
export const BODY_CHUNK_BYTES = 256 * 1024;

/** Answer bytes a shim may have sent that the host has not yet granted again with `credit`. */
export const ANSWER_WINDOW_BYTES = 1 << 20;

/** Frame types. Numbers are never reused. Host to shim below 64, shim to host from 64 on. */
export const Frame = {
  /** Host: greeting accepted. JSON {@link Welcome}. */
  welcome: 1,
  /** Host: run one invocation. JSON {@link InvokeHeader}; `event` frames follow. */
  invoke: 2,
  /** Host: a piece of the event's bytes. */
  event: 3,
  /** Host: the event is complete. Empty. */
  eventEnd: 4,
  /** Host: no more of the answer is wanted; the shim may stop the handler, and what it still answers is dropped. Empty. */
  cancel: 5,
  /** Host: the shim may send this many more answer bytes. u32 BE. */
  credit: 6,
  /** Host to a zygote or snapshot: fork. JSON {@link ForkOrder}; answered by `forked` or `forkFailed` with the same request number. */
  fork: 7,
  /** Host to an instance that rests: give back what its calls needed and nothing holds; answered by `rested`. Empty. */
  rest: 8,
  /** Host: run one invocation that has nothing unusual and a small event, which is in this frame: `invoke`, `event` and `eventEnd` in one. See call-frames.ts. */
  call: 9,

  /** Shim: first frame. JSON {@link Hello}. */
  hello: 64,
  /** Shim: the init phase ended well, or an instance's after-restore hooks did. JSON {@link InitDone}. Then: forkable -> waits for `fork`; else -> waits for `invoke`. */
  initDone: 65,
  /** Shim: the init phase failed. JSON {@link InitError}. The process exits after it. */
  initError: 66,
  /** Shim: a piece of the answer's bytes; an empty one says nothing. */
  answer: 67,
  /** Shim: the invocation ended. JSON {@link AnswerEnd}. */
  answerEnd: 68,
  /** Zygote or snapshot: JSON {@link Forked}. */
  forked: 69,
  /** Zygote or snapshot: JSON {@link ForkFailed}. */
  forkFailed: 70,
  /** Zygote or snapshot: a forked child ended and was reaped. JSON {@link ChildExited}. */
  childExited: 71,
  /**
   * Shim: the answer streams: what comes in `answer` frames is the caller's at once. JSON {@link AnswerBegin}. Before the first of them, and only where
   * {@link InvokeHeader} has `stream`; never from a handler that does not stream.
   */
  answerBegin: 72,
  /** Shim: a streamed answer is complete, although its handler goes on: no `answer` follows. Empty. */
  answerFinish: 73,
  /** Shim: what could be given back is; the process may be stopped. Empty. */
  rested: 74,
  /** Shim: the invocation returned, and this is all of its answer: `answer` and `answerEnd` in one. Not where an answer has begun. See call-frames.ts. */
  returned: 75,
} as const;

export type FrameType = (typeof Frame)[keyof typeof Frame];

/** Shim to host, first frame. */
export interface Hello {
  readonly protocol: number;
  /** One-time token the host gave with the spawn or the fork order; says which process this is. */
  readonly token: string;
  /** The process's pid as its own PID namespace has it. */
  readonly pid: number;
  /** `node` or `python`, with its version: `node/20.20.2`. */
  readonly runtime: string;
  /** What this shim can do here: `fork` (Linux, and what it takes is there), `concurrency`. */
  readonly capabilities: readonly string[];
  /** Optional confinement steps that failed, as `op: reason`: what is not active. */
  readonly unconfined: readonly string[];
  /** When the steps of its birth were done; null for a process that was not forked. */
  readonly born: BirthTimes | null;
}

/** Moments of a child's first steps, milliseconds of CLOCK_MONOTONIC, which all processes of a machine share. */
export interface BirthTimes {
  /** The parent took the order up. */
  readonly takenMs: number;
  /** fork(2) had returned in the child. */
  readonly forkedMs: number;
  /** Both sockets were connected. */
  readonly connectedMs: number;
  /** All steps of confinement were taken. */
  readonly confinedMs: number;
}

/** Host to shim: what the process is to become. */
export type Welcome =
  | { readonly protocol: number; readonly role: 'zygote' }
  | ({ readonly protocol: number; readonly role: 'function' } & FunctionOrder)
  | ({ readonly protocol: number; readonly role: 'program' } & ProgramOrder)
  | { readonly protocol: number; readonly role: 'instance' };

/**
 * What a forked process of the Node.js shim is to become with execve(2), confined as it is by then. The connection closes when the program runs; else
 * `initError` says why it can't, `errorType` being the system's code (`ENOENT`, `EACCES`).
 */
export interface ProgramOrder {
  readonly argv: readonly string[];
  /** The complete environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** A listening Unix socket, connected to twice: first for stdout, then for stderr. */
  readonly output: string;
}

/** What a process that runs a function needs to know. */
export interface FunctionOrder {
  readonly handler: string;
  readonly taskRoot: string;
  /** Added to the module search path, or null. */
  readonly dependencyRoot: string | null;
  /** Replaces the whole environment, unless the function's wrapper script started the process: then what that left in it stays, and goes before this. */
  readonly environment: Readonly<Record<string, string>>;
  readonly functionName: string;
  readonly functionVersion: string;
  readonly memoryMb: number;
  readonly logGroup: string;
  readonly wrapped: boolean;
  /** Set for a process that may become an instance itself (plain start). */
  readonly logStream: string;
  readonly concurrency: number;
  /** After init: become a snapshot when that is safe (true), or serve at once (false). */
  readonly snapshot: boolean;
  /** Longest answer that is taken whole, bytes. */
  readonly answerBytes: number;
  /** A sample event to rehearse with before the first fork, as JSON text; null: rehearse with the shim's own loop only. */
  readonly rehearsal: string | null;
  /** Whether an invocation waits for the init phase: then nothing that takes many seconds is done for later starts. */
  readonly awaited: boolean;
}

/** Host to zygote or snapshot: make a child. The child connects to `socket` and greets with `token`. */
export interface ForkOrder {
  readonly token: string;
  readonly socket: string;
  /** Stream socket for the child's stdout and stderr; the child sends `token` and a newline first. */
  readonly logSocket: string;
  /** Steps the child takes after it has connected both sockets and before it greets, in order; see sandbox/. */
  readonly confine: readonly ConfineStep[];
  /** For a child that is an instance: AWS_LAMBDA_LOG_STREAM_NAME. */
  readonly logStream: string | null;
  /** Nobody waits for the child: a zygote that still has to practise (Node.js) does that first, for all that will be forked from the child. */
  readonly practised: boolean;
}

/** One step of confinement, carried out in the child between fork and greeting. An `optional` step that fails is reported in {@link Hello}, any other ends the child. */
export type ConfineStep = { readonly optional?: boolean } & (
  | { readonly op: 'setsid' }
  | { readonly op: 'subreaper' }
  | { readonly op: 'deathSignal' }
  | { readonly op: 'noNewPrivs' }
  | { readonly op: 'dropCapabilities' }
  /**
   * `namespaces`: of 'mount', 'user', 'ipc', 'uts'. With 'user' the process's own ids are mapped to themselves, and `processes` are the most it may have
   * of itself and its own; with 'mount' propagation is made private.
   */
  | { readonly op: 'unshare'; readonly namespaces: readonly string[]; readonly processes?: number }
  /**
   * Covers the directory `target` with an empty tmpfs of at most `sizeMb`, through which only the existing paths in `keep`
   * (all below `target`) stay visible, bound read-only. Opened before, bound after: they may lie in what is covered.
   * `inherits`, of an instance: what the init phase has put there stays, too. It is the instance's own copy once it changes it; read-only where the system has no
   * overlays for it.
   */
  | {
      readonly op: 'mask';
      readonly target: string;
      readonly sizeMb: number;
      readonly mode: number;
      readonly keep: readonly string[];
      readonly inherits?: boolean;
    }
  /** Shows files and directories in the directory `target`, read-only, by the names that they are to have there, beside all else that lies in it. */
  | { readonly op: 'show'; readonly target: string; readonly entries: Readonly<Record<string, string>> }
  | { readonly op: 'hostname'; readonly name: string }
  /** setrlimit(2) by number; -1 = infinity. */
  | { readonly op: 'rlimit'; readonly resource: number; readonly soft: number; readonly hard: number }
  /** Lets core files be as large as that, and leaves all of the process's memory out of them (coredump_filter in proc(5)). */
  | { readonly op: 'core'; readonly bytes: number }
  /** setgroups([]), setresgid, setresuid. */
  | { readonly op: 'ids'; readonly uid: number; readonly gid: number }
  /** Moves the process into a cgroup, by its file `cgroup.threads`: it has one thread. */
  | { readonly op: 'cgroup'; readonly path: string }
  | { readonly op: 'umask'; readonly mask: number }
  /** CPUs the process may run on; empty = all the machine has. */
  | { readonly op: 'affinity'; readonly cpus: readonly number[] }
  | { readonly op: 'environment'; readonly name: string; readonly value: string }
);

export interface Forked {
  /** The child's pid as the forker sees it. */
  readonly pid: number;
}

export interface ForkFailed {
  readonly message: string;
}

export interface ChildExited {
  readonly pid: number;
  readonly code: number | null;
  /** Signal number, or null. */
  readonly signal: number | null;
  /** Most memory it ever held, private and shared pages, bytes. */
  readonly peakMemoryBytes: number;
}

export interface InitDone {
  readonly durationMs: number;
  /** Becoming the function's process (environment, search path), milliseconds. */
  readonly setUpMs: number;
  /** Loading what the handler's module loads, milliseconds. What of this can't be seen (ES modules in Node.js) counts as `userMs`. */
  readonly importMs: number;
  /** The rest of the handler's module, milliseconds. What follows until this message is looking whether the process may be forked. */
  readonly userMs: number;
  readonly slowestModules: readonly { readonly name: string; readonly ms: number }[];
  /** Null: safe to fork, the process waits for orders. Else why not, and it serves invocations itself. */
  readonly unforkable: string | null;
  /**
   * Of a snapshot: the function has after-restore hooks. Each instance then answers its welcome with an `initDone` of its own when they have run, or
   * with `initError`; before that it takes no invocation.
   */
  readonly restores: boolean;
}

/** Lambda's error document: what the caller gets as the payload. Message and trace are cut by the shim where they would not fit into a frame. */
export interface InitError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly stackTrace?: readonly string[];
  readonly trace?: readonly string[];
  /** Lambda's name of what failed where the document is of what the function threw there: a SnapStart hook. Not a part of the document. */
  readonly runtimeErrorType?: 'Runtime.BeforeSnapshotError' | 'Runtime.AfterRestoreError';
  readonly durationMs: number;
}

/** Host to shim: one invocation. */
export interface InvokeHeader {
  readonly requestId: string;
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number;
  readonly invokedArn: string;
  /** X-Ray trace header. What most invocations have not is left out: both sides pay for every member. */
  readonly traceId?: string;
  /** JSON text. */
  readonly clientContext?: string;
  readonly lineage?: string;
  /** Absent: the first. */
  readonly attempt?: number;
  /** The answer may be streamed. Absent: it is wanted whole. */
  readonly stream?: boolean;
  /** Bytes of the event that follow. */
  readonly bytes: number;
}

/** Shim to host: a streamed answer begins. */
export interface AnswerBegin {
  /** Media type of what follows, as the handler named it. */
  readonly contentType: string;
}

/** Shim to host: the end of an invocation. The bytes came before in `answer` frames. */
export interface AnswerEnd {
  /** Null: returned. Else the error's type; the bytes are the error document, unless the answer had begun to stream. */
  readonly errorType: string | null;
  /** Of an answer that had begun to stream before the error: the error document, as JSON text; cut as {@link InitError}. */
  readonly errorDocument?: string;
  readonly handlerMs: number;
  /** Peak resident set, bytes. */
  readonly peakMemoryBytes: number;
  /** Whether the log mark was written: it need not be when the host has already read all there is on the log stream (SIOCOUTQ is 0). */
  readonly marked: boolean;
  /** Memory that the invocation needed is still there for the next one, and more than a few MB: worth a `rest` once the instance is idle. Absent: no. */
  readonly heavy?: boolean;
  /** The process ends now, by its own doing: it takes no further invocation, and the caller is answered when it has ended. */
  readonly last?: boolean;
}

/**
 * After the last line of an invocation and before its `answerEnd`, the shim writes this to the log stream (unless the host has read
 * everything there, see {@link AnswerEnd}), followed by the request id and a newline: what comes before belongs to that invocation and has arrived. `nonce` is the process's token.
 */
export function logMark(nonce: string): string {
  return `\u0000${nonce}:`;
}
