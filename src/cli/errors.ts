import { faultOf, HearthError } from '../errors.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** An error for the person at the terminal: what is wrong, what to do about it, and the exit code. */
export class CliError extends Error {
  readonly fix: string | null;
  readonly exitCode: ExitCode;
  /** Shown below, as it is: a tool's output. */
  readonly output: string | null;

  constructor(message: string, options: { fix?: string | undefined; exitCode?: ExitCode; output?: string | null; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CliError';
    this.fix = options.fix ?? null;
    this.exitCode = options.exitCode ?? EXIT.usage;
    this.output = options.output ?? null;
  }
}

/** Any error, in the terms of the command line. What nobody foresaw keeps its stack: it is ours to mend. */
export function asCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (!(error instanceof Error)) return internal(error);
  if (error instanceof HearthError) return fromServer(error);
  switch (error.name) {
    case 'UnreachableError':
      return new CliError(error.message, {
        fix: unreachableFix(error),
        exitCode: EXIT.unreachable,
        cause: error,
      });
    case 'ForeignAnswerError':
      return new CliError(error.message, {
        fix: 'name the right address with --endpoint or HEARTH_ENDPOINT',
        exitCode: EXIT.unreachable,
        cause: error,
      });
    case 'DeployError':
      return fromDeployment(error as FailedDeployment);
    case 'ApiError':
      return fromApi(error as RefusedByServer);
    default:
      return SYSTEM_CODES.has((error as NodeJS.ErrnoException).code ?? '')
        ? new CliError(error.message, {
            fix: NO_ROOM.has((error as NodeJS.ErrnoException).code ?? '') ? ROOM_FIX : undefined,
            cause: error,
          })
        : internal(error);
  }
}

/** OpenSSL's and Node.js's codes of a certificate that is not taken. */
const UNTRUSTED = /CERT|ISSUER|SIGNATURE/;

function unreachableFix({ cause }: Error): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  if (UNTRUSTED.test(code)) return 'give the certificate of its authority with NODE_EXTRA_CA_CERTS=FILE, or correct the address';
  return 'start one with `hearth up`, or name another with --endpoint';
}

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);
const ROOM_FIX = 'make room on the disk (`df -h`), then try again';

/** Errors of files and sockets: their message names the path. */
const SYSTEM_CODES = new Set([
  'ENOENT',
  'EACCES',
  'EPERM',
  'EISDIR',
  'ENOTDIR',
  'EEXIST',
  'ENOSPC',
  'EROFS',
  'EMFILE',
  'EADDRINUSE',
  'EDQUOT',
]);

type FailedDeployment = Error & { readonly output: string | null; readonly errorType: string };

/** What ended a deployment that was under way: the function's doing, or the server's. */
function fromDeployment(error: FailedDeployment): CliError {
  const { message, output, errorType } = error;
  if (errorType === 'InitBudgetExceeded') {
    const fix = message.startsWith('the init phase failed') ? FAILED_FIX : BUDGET_FIX;
    return new CliError(message, { exitCode: EXIT.overBudget, fix, cause: error });
  }
  if (faultOf(errorType) === 'platform')
    return new CliError(`${errorType}: ${message}`, { exitCode: EXIT.serverError, output, fix: AGAIN_FIX, cause: error });
  return new CliError(message, { exitCode: EXIT.deployFailed, output, fix: deployFix(errorType, message), cause: error });
}

/** An ApiError, as far as it is looked at: the client is imported only where it is used. */
type RefusedByServer = Error & { status: number; errorType: string; body: Readonly<Record<string, unknown>> };

function fromApi(error: RefusedByServer): CliError {
  const message = `${error.errorType}: ${error.message}`;
  if (error.status === 403 && UNKNOWN_CALLER.has(error.errorType))
    return new CliError(message, { exitCode: EXIT.refused, fix: KEY_FIX, cause: error });
  if (error.status === 429) {
    const reason = typeof error.body['Reason'] === 'string' ? error.body['Reason'] : '';
    const fix = `try again, or ${LIMIT_OF[reason] ?? 'raise `scaling.max` of the function'}`;
    return new CliError(reason === '' ? message : `${message} (${reason})`, { exitCode: EXIT.throttled, fix, cause: error });
  }
  if (error.status === 404) return new CliError(message, { exitCode: EXIT.notFound, fix: '`hearth ps` lists the functions', cause: error });
  if (error.status === 413) {
    const fix = /A source may have at most/.test(message)
      ? LARGER_FIX
      : 'send less, or raise `limits.payloadBytes` in the server’s config.yaml';
    return new CliError(message, { exitCode: EXIT.refused, fix, cause: error });
  }
  if (error.body['Reason'] === 'Ending')
    return new CliError('the server is ending', { exitCode: EXIT.unreachable, fix: 'start it again with `hearth up`', cause: error });
  if (error.status >= 500) return new CliError(message, { exitCode: EXIT.serverError, fix: 'look at the server’s log', cause: error });
  return new CliError(message, { exitCode: EXIT.refused, cause: error });
}

/** What to raise, by Lambda's reasons of a 429. */
const LIMIT_OF: Readonly<Record<string, string>> = {
  ConcurrentInvocationLimitExceeded: 'make room: `hearth status` shows the memory that is free',
  FunctionInvocationRateLimitExceeded: 'raise `limits.callsPerSecond` in the server’s config.yaml',
  ReservedFunctionInvocationRateLimitExceeded:
    'raise `limits.callsPerReserved` in the server’s config.yaml, or `scaling.max` of the function',
  CallerRateLimitExceeded: 'raise `limits.requestsPerKey` in the server’s config.yaml',
  ConcurrentSnapshotCreateLimitExceeded: 'raise `limits.snapshotsAtOnce` in the server’s config.yaml',
};

/** Errors of a request that is not signed by a key of the server. */
const UNKNOWN_CALLER = new Set(['MissingAuthenticationTokenException', 'UnrecognizedClientException', 'InvalidSignatureException']);

const KEY_FIX =
  'set HEARTH_HOME to the folder of that server, or HEARTH_ACCESS_KEY_ID and HEARTH_SECRET_ACCESS_KEY to a key of it (`hearth keys create` there makes one)';

/** What the server in this process, or its configuration, refused. */
function fromServer(error: HearthError): CliError {
  if (error.code === 'ResourceConflictException')
    return new CliError(error.message, { exitCode: EXIT.running, fix: 'end it with `hearth down`, or use another --home', cause: error });
  return new CliError(error.message, { exitCode: error.fault === 'caller' ? EXIT.usage : EXIT.serverError, cause: error });
}

const FAILED_FIX = 'correct the function or its hearth.yaml and deploy again';
const AGAIN_FIX = 'deploy again; if it fails again, look at the server’s log';
const BUDGET_FIX = 'import less outside the handler, or later (docs/guides/cold-starts.md); or raise --init-budget';

const LARGER_FIX =
  'leave out what it does not need (.hearthignore), or raise `limits.unpackedBytes` (and `limits.sourceBytes`, of the zip) in config.yaml in the server’s HEARTH_HOME, and start it again';

function deployFix(errorType: string, message: string): string {
  if (message.startsWith('Unzipped size must be smaller')) return LARGER_FIX;
  return errorType === 'BuildFailed' ? 'correct what the output names and deploy again' : FAILED_FIX;
}

function internal(error: unknown): CliError {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CliError(`unexpected: ${text}`, {
    exitCode: EXIT.internal,
    fix: 'this is a fault in hearth; please report it with the lines above',
    cause: error,
  });
}
