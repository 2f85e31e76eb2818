/** The server answered, and refused: its own code and words. */
export class ApiError extends Error {
  readonly status: number;
  /** A code of `src/errors.ts`, or `HTTP 502` where what answered has no code for it. */
  readonly errorType: string;
  /** The whole error document. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, errorType: string, message: string, body: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.errorType = errorType;
    this.body = body;
  }
}

/** Nothing answered at the endpoint, or the connection broke before the answer was whole. */
export class UnreachableError extends Error {
  readonly endpoint: string;
  /** No connection was made at all, so nothing has happened on the server. */
  readonly refused: boolean;

  constructor(endpoint: string, cause: unknown) {
    const code = codeOf(cause);
    super(REFUSALS.has(code) ? `no server answers at ${endpoint}` : `the connection to ${endpoint} broke (${code || messageOf(cause)})`, {
      cause,
    });
    this.name = 'UnreachableError';
    this.endpoint = endpoint;
    this.refused = REFUSALS.has(code);
  }
}

/** What answers at the endpoint does not speak Hearth's API. */
export class ForeignAnswerError extends Error {
  readonly endpoint: string;

  constructor(endpoint: string, what: string) {
    super(`what answers at ${endpoint} is not Hearth: ${what}`);
    this.name = 'ForeignAnswerError';
    this.endpoint = endpoint;
  }
}

/** A deployment that the server began and could not finish. `output` is what the failing tool printed. */
export class DeployError extends Error {
  readonly errorType: string;
  readonly output: string | null;

  constructor(errorType: string, message: string, output: string | null) {
    super(message);
    this.name = 'DeployError';
    this.errorType = errorType;
    this.output = output;
  }
}

const REFUSALS = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ETIMEDOUT', 'EADDRNOTAVAIL']);

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
