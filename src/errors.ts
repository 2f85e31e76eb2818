/** Whose doing an error is: decides what is counted, what is retried and what is logged as ours. */
export type Fault = 'caller' | 'function' | 'platform';

interface ErrorSpec {
  readonly status: number;
  readonly fault: Fault;
  readonly retryable: boolean;
}

/**
 * Every error that leaves Hearth, by the code its caller sees (Lambda's own where Lambda has one).
 * Codes are never reused for another meaning; a retired one stays here with a note.
 */
const ERRORS = {
  InvalidParameterValueException: { status: 400, fault: 'caller', retryable: false },
  ValidationException: { status: 400, fault: 'caller', retryable: false },
  InvalidRequestContentException: { status: 400, fault: 'caller', retryable: false },
  InvalidZipFileException: { status: 400, fault: 'caller', retryable: false },
  CodeStorageExceededException: { status: 400, fault: 'caller', retryable: false },
  AccessDeniedException: { status: 403, fault: 'caller', retryable: false },
  ForbiddenOrigin: { status: 403, fault: 'caller', retryable: false },
  ProvisionedConcurrencyConfigNotFoundException: { status: 404, fault: 'caller', retryable: false },
  CodeSigningConfigNotFoundException: { status: 404, fault: 'caller', retryable: false },
  ResourceNotFoundException: { status: 404, fault: 'caller', retryable: false },
  UnknownOperationException: { status: 404, fault: 'caller', retryable: false },
  MethodNotAllowed: { status: 405, fault: 'caller', retryable: false },
  ResourceConflictException: { status: 409, fault: 'caller', retryable: false },
  PreconditionFailedException: { status: 412, fault: 'caller', retryable: false },
  RequestTooLargeException: { status: 413, fault: 'caller', retryable: false },
  UnsupportedMediaTypeException: { status: 415, fault: 'caller', retryable: false },
  InitBudgetExceeded: { status: 422, fault: 'caller', retryable: false },
  BuildFailed: { status: 422, fault: 'caller', retryable: false },
  TooManyRequestsException: { status: 429, fault: 'caller', retryable: true },
  ServiceException: { status: 500, fault: 'platform', retryable: true },
  NotImplementedException: { status: 501, fault: 'caller', retryable: false },
  ServiceUnavailable: { status: 503, fault: 'platform', retryable: true },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** An error with a code of the table. `details` are further members of the answer's body (`Reason`, `Type`). */
export class HearthError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = code;
    this.code = code;
    this.details = options.details ?? {};
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get fault(): Fault {
    return ERRORS[this.code].fault;
  }
}
