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
  RecursiveInvocationException: { status: 400, fault: 'caller', retryable: false },
  InvalidZipFileException: { status: 400, fault: 'caller', retryable: false },
  CodeStorageExceededException: { status: 400, fault: 'caller', retryable: false },
  PolicyLengthExceededException: { status: 400, fault: 'caller', retryable: false },
  MissingAuthenticationTokenException: { status: 403, fault: 'caller', retryable: false },
  UnrecognizedClientException: { status: 403, fault: 'caller', retryable: false },
  InvalidSignatureException: { status: 403, fault: 'caller', retryable: false },
  IncompleteSignatureException: { status: 400, fault: 'caller', retryable: false },
  AccessDeniedException: { status: 403, fault: 'caller', retryable: false },
  ForbiddenOrigin: { status: 403, fault: 'caller', retryable: false },
  ProvisionedConcurrencyConfigNotFoundException: { status: 404, fault: 'caller', retryable: false },
  CodeSigningConfigNotFoundException: { status: 404, fault: 'caller', retryable: false },
  ResourceNotFoundException: { status: 404, fault: 'caller', retryable: false },
  UnknownOperationException: { status: 404, fault: 'caller', retryable: false },
  MethodNotAllowed: { status: 405, fault: 'caller', retryable: false },
  ResourceConflictException: { status: 409, fault: 'caller', retryable: false },
  SnapStartNotReadyException: { status: 409, fault: 'caller', retryable: true },
  PreconditionFailedException: { status: 412, fault: 'caller', retryable: false },
  RequestTooLargeException: { status: 413, fault: 'caller', retryable: false },
  UnsupportedMediaTypeException: { status: 415, fault: 'caller', retryable: false },
  InitBudgetExceeded: { status: 422, fault: 'caller', retryable: false },
  InitFailed: { status: 422, fault: 'caller', retryable: false },
  BuildFailed: { status: 422, fault: 'caller', retryable: false },
  TooManyRequestsException: { status: 429, fault: 'caller', retryable: true },
  ServiceException: { status: 500, fault: 'platform', retryable: true },
  NotImplementedException: { status: 501, fault: 'caller', retryable: false },
  ServiceUnavailable: { status: 503, fault: 'platform', retryable: true },
  // S3's own, with its status; the signature's are every API's.
  AccessDenied: { status: 403, fault: 'caller', retryable: false },
  InvalidAccessKeyId: { status: 403, fault: 'caller', retryable: false },
  SignatureDoesNotMatch: { status: 403, fault: 'caller', retryable: false },
  RequestTimeTooSkewed: { status: 403, fault: 'caller', retryable: false },
  AuthorizationHeaderMalformed: { status: 400, fault: 'caller', retryable: false },
  AuthorizationQueryParametersError: { status: 400, fault: 'caller', retryable: false },
  MissingSecurityHeader: { status: 400, fault: 'caller', retryable: false },
  XAmzContentSHA256Mismatch: { status: 400, fault: 'caller', retryable: false },
  BadDigest: { status: 400, fault: 'caller', retryable: false },
  InvalidDigest: { status: 400, fault: 'caller', retryable: false },
  IncompleteBody: { status: 400, fault: 'caller', retryable: false },
  MissingContentLength: { status: 411, fault: 'caller', retryable: false },
  EntityTooLarge: { status: 400, fault: 'caller', retryable: false },
  EntityTooSmall: { status: 400, fault: 'caller', retryable: false },
  InvalidArgument: { status: 400, fault: 'caller', retryable: false },
  InvalidRequest: { status: 400, fault: 'caller', retryable: false },
  InvalidURI: { status: 400, fault: 'caller', retryable: false },
  InvalidBucketName: { status: 400, fault: 'caller', retryable: false },
  InvalidRange: { status: 416, fault: 'caller', retryable: false },
  InvalidPart: { status: 400, fault: 'caller', retryable: false },
  InvalidPartOrder: { status: 400, fault: 'caller', retryable: false },
  InvalidTag: { status: 400, fault: 'caller', retryable: false },
  BadRequest: { status: 400, fault: 'caller', retryable: false },
  MalformedXML: { status: 400, fault: 'caller', retryable: false },
  MalformedPOSTRequest: { status: 400, fault: 'caller', retryable: false },
  InvalidPolicyDocument: { status: 400, fault: 'caller', retryable: false },
  KeyTooLongError: { status: 400, fault: 'caller', retryable: false },
  MetadataTooLarge: { status: 400, fault: 'caller', retryable: false },
  InvalidStorageClass: { status: 400, fault: 'caller', retryable: false },
  AccessControlListNotSupported: { status: 400, fault: 'caller', retryable: false },
  IllegalVersioningConfigurationException: { status: 400, fault: 'caller', retryable: false },
  NoSuchBucket: { status: 404, fault: 'caller', retryable: false },
  NoSuchKey: { status: 404, fault: 'caller', retryable: false },
  SlowDown: { status: 503, fault: 'caller', retryable: true },
  NoSuchVersion: { status: 404, fault: 'caller', retryable: false },
  NoSuchUpload: { status: 404, fault: 'caller', retryable: false },
  NoSuchTagSet: { status: 404, fault: 'caller', retryable: false },
  NoSuchCORSConfiguration: { status: 404, fault: 'caller', retryable: false },
  NoSuchBucketPolicy: { status: 404, fault: 'caller', retryable: false },
  NoSuchLifecycleConfiguration: { status: 404, fault: 'caller', retryable: false },
  NoSuchWebsiteConfiguration: { status: 404, fault: 'caller', retryable: false },
  NoSuchPublicAccessBlockConfiguration: { status: 404, fault: 'caller', retryable: false },
  ServerSideEncryptionConfigurationNotFoundError: { status: 404, fault: 'caller', retryable: false },
  ReplicationConfigurationNotFoundError: { status: 404, fault: 'caller', retryable: false },
  ObjectLockConfigurationNotFoundError: { status: 404, fault: 'caller', retryable: false },
  OwnershipControlsNotFoundError: { status: 404, fault: 'caller', retryable: false },
  BucketAlreadyOwnedByYou: { status: 409, fault: 'caller', retryable: false },
  BucketNotEmpty: { status: 409, fault: 'caller', retryable: false },
  PreconditionFailed: { status: 412, fault: 'caller', retryable: false },
  NotImplemented: { status: 501, fault: 'caller', retryable: false },
  InternalError: { status: 500, fault: 'platform', retryable: true },
  StorageFull: { status: 507, fault: 'platform', retryable: false },
  // SQS's own, in the names of its JSON protocol.
  QueueDoesNotExist: { status: 400, fault: 'caller', retryable: false },
  QueueNameExists: { status: 400, fault: 'caller', retryable: false },
  InvalidAttributeName: { status: 400, fault: 'caller', retryable: false },
  InvalidAttributeValue: { status: 400, fault: 'caller', retryable: false },
  InvalidMessageContents: { status: 400, fault: 'caller', retryable: false },
  ReceiptHandleIsInvalid: { status: 400, fault: 'caller', retryable: false },
  MessageNotInflight: { status: 400, fault: 'caller', retryable: false },
  MissingParameter: { status: 400, fault: 'caller', retryable: false },
  InvalidParameterValue: { status: 400, fault: 'caller', retryable: false },
  EmptyBatchRequest: { status: 400, fault: 'caller', retryable: false },
  TooManyEntriesInBatchRequest: { status: 400, fault: 'caller', retryable: false },
  BatchEntryIdsNotDistinct: { status: 400, fault: 'caller', retryable: false },
  InvalidBatchEntryId: { status: 400, fault: 'caller', retryable: false },
  BatchRequestTooLong: { status: 400, fault: 'caller', retryable: false },
  UnsupportedOperation: { status: 400, fault: 'caller', retryable: false },
  InvalidSecurity: { status: 403, fault: 'caller', retryable: false }, // retired: what is not signed is MissingAuthenticationTokenException
  // Those of CloudWatch Logs, EventBridge and EventBridge Scheduler.
  InvalidParameterException: { status: 400, fault: 'caller', retryable: false },
  SerializationException: { status: 400, fault: 'caller', retryable: false },
  InvalidEventPatternException: { status: 400, fault: 'caller', retryable: false },
  LimitExceededException: { status: 400, fault: 'caller', retryable: false },
  ConflictException: { status: 409, fault: 'caller', retryable: false },
  ResourceAlreadyExistsException: { status: 400, fault: 'caller', retryable: false },
  TooManyTagsException: { status: 400, fault: 'caller', retryable: false },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** Whose doing an error is, by a code that came over the wire; null: the table does not have it. */
export function faultOf(code: string): Fault | null {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode].fault : null;
}

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

/** What the system says where there is no room: a full disk, a quota, a file that may not grow. */
const NO_ROOM = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The error of the table for what nobody foresaw: StorageFull for a full disk, else ServiceException. A HearthError is returned as it is. */
export function unforeseen(error: unknown): HearthError {
  if (error instanceof HearthError) return error;
  if (NO_ROOM.has((error as { code?: unknown } | null)?.code))
    return new HearthError('StorageFull', 'The disk of this server is full: nothing was stored. Make room, then try again.', {
      cause: error,
    });
  return new HearthError('ServiceException', 'An internal error occurred.', { cause: error });
}
