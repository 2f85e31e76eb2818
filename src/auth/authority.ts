import { HearthError, type ErrorCode } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Keys } from './keys.ts';
import { REMEDY } from './remedy.ts';
import { sha256Hex, type SignedRequest } from './sigv4.ts';
import { allows, type KeyStatement } from './statements.ts';
import { verifyHead, verifySignature } from './verify.ts';

/** Who sent a request, as far as it was asked. */
export interface Caller {
  /** Whose key it was; null: nobody's, since nobody was asked. */
  readonly accessKeyId: string | null;
  /** Why the caller may not do this, in AWS's words; null when it may. */
  refusal(action: string, resource: string): string | null;
  /** Throws HearthError AccessDeniedException when the caller may not do this to a thing, by whatever of its names: a permission of one will do, and so will a denial. */
  require(action: string, resource: string, otherNames?: readonly string[]): void;
}

export interface AuthorityDeps {
  readonly keys: Keys;
  /** What a key may do; null: everything. */
  readonly statementsOf: (accessKeyId: string) => readonly KeyStatement[] | null;
  readonly clock: Clock;
  readonly accountId: string;
  /** Whether requests must be signed by a key of this server; false in anonymous mode only. */
  readonly required: boolean;
  /** Whether S3 and SQS serve what is not signed. */
  readonly unsignedData: boolean;
  /** Counts a request to Lambda's API that a key has signed. Throws HearthError TooManyRequestsException when it is one too many. Absent: none is. */
  readonly count?: (accessKeyId: string) => void;
}

/** Who may do everything, because nobody is asked. */
export const ANYBODY: Caller = { accessKeyId: null, refusal: () => null, require: () => undefined };

/** What signatures' errors are called in APIs other than S3's. */
const IN_LAMBDA: Readonly<Partial<Record<ErrorCode, readonly [code: ErrorCode, message: string]>>> = {
  InvalidAccessKeyId: ['UnrecognizedClientException', `The security token included in the request is invalid. ${REMEDY}`],
  SignatureDoesNotMatch: [
    'InvalidSignatureException',
    `The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details. ${REMEDY}`,
  ],
};

/** Decides who may do what on this server. In anonymous mode (nothing is required) whoever reaches it may do everything. */
export class Authority {
  readonly #deps: AuthorityDeps;

  constructor(deps: AuthorityDeps) {
    this.#deps = deps;
  }

  /** Whether requests must be signed by a key of this server. */
  get required(): boolean {
    return this.#deps.required;
  }

  /** Whether S3 and SQS serve what is not signed. */
  get unsignedData(): boolean {
    return this.#deps.unsignedData;
  }

  /**
   * The sender of a request to a service. `payload` null: it is not at hand, and the request must say what it signed. Throws, where signatures are
   * required, MissingAuthenticationTokenException, UnrecognizedClientException, InvalidSignatureException or IncompleteSignatureException;
   * TooManyRequestsException when the key has signed too many requests of late.
   */
  async identify(request: SignedRequest, payload: Buffer | null, service = 'lambda'): Promise<Caller> {
    if (!this.#deps.required) return ANYBODY;
    const verified = await this.#verified(request, payload, service);
    if (verified === null) throw missing();
    if (service === 'lambda') this.#deps.count?.(verified);
    return this.callerOf(verified);
  }

  /**
   * Refuses a request whose payload is large and still to come, as far as its head tells that `identify` would: before the payload takes any memory. Counts
   * nothing. Throws, where signatures are required, what `identify` throws.
   */
  async screen(request: SignedRequest, service = 'lambda'): Promise<void> {
    if (this.#deps.required) await this.#screen(request, service, false);
  }

  /** As `screen`, by what `sender` would throw. */
  screenSender(request: SignedRequest, service: string): Promise<void> {
    return this.#screen(request, service, this.#deps.unsignedData);
  }

  /** Whether the sender may do this, as far as a request's head tells whose payload is still to come. Counts nothing, throws nothing. */
  async permits(request: SignedRequest, action: string, resource: string): Promise<boolean> {
    if (!this.#deps.required) return true;
    const verified = await this.#verified(request, null, 'lambda').catch(() => null);
    return verified !== null && this.callerOf(verified).refusal(action, resource) === null;
  }

  /** The sender of a request that is for stored data: a signature is verified in anonymous mode too. Throws as `identify` does. */
  async sender(request: SignedRequest, payload: Buffer, service: string): Promise<Caller> {
    const verified = await this.#verified(request, payload, service);
    if (verified !== null) return this.callerOf(verified);
    if (this.#deps.unsignedData) return ANYBODY;
    throw missing();
  }

  /** Whoever signed with a key: what its statements allow. The signature must have been verified. */
  callerOf(accessKeyId: string): Caller {
    const { statementsOf, accountId } = this.#deps;
    const statements = statementsOf(accessKeyId);
    const refusal = (action: string, resource: string, otherNames: readonly string[] = []): string | null =>
      statements === null || allows(statements, action, [resource, ...otherNames])
        ? null
        : `User: arn:aws:iam::${accountId}:user/${accessKeyId} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
    return {
      accessKeyId,
      refusal,
      require(action, resource, otherNames) {
        const why = refusal(action, resource, otherNames);
        if (why !== null) throw new HearthError('AccessDeniedException', why);
      },
    };
  }

  async #screen(request: SignedRequest, service: string, unsigned: boolean): Promise<void> {
    if (payloadBytes(request) <= SMALL_BYTES) return;
    const { keys, clock } = this.#deps;
    const claimed = await verifyHead(request, { keys, service, nowMs: clock.now() }).catch((error: unknown) => {
      throw inLambda(error);
    });
    if (claimed === null && !unsigned) throw missing();
  }

  /** The id of the key that a request was signed with; null when it is not signed. */
  async #verified(request: SignedRequest, payload: Buffer | null, service: string): Promise<string | null> {
    const { keys, clock } = this.#deps;
    const declared = request.headers['x-amz-content-sha256']?.[0];
    const computed = payload === null || declared === 'UNSIGNED-PAYLOAD' ? undefined : sha256Hex(payload);
    if (declared !== undefined && computed !== undefined && declared !== computed)
      throw new HearthError('InvalidSignatureException', 'The payload is not the one that was signed.');
    try {
      const options = { keys, service, nowMs: clock.now(), ...(computed === undefined ? {} : { payloadHash: computed }) };
      return (await verifySignature(request, options))?.accessKeyId ?? null;
    } catch (error) {
      throw inLambda(error);
    }
  }
}

/** Of a payload that is no larger a request is identified once it is here. */
const SMALL_BYTES = 64 * 1024;

/** As the head announces it; without end where it does not say. */
function payloadBytes({ headers }: SignedRequest): number {
  return headers['transfer-encoding'] === undefined ? Number(headers['content-length']?.[0] ?? 0) : Infinity;
}

function missing(): HearthError {
  return new HearthError('MissingAuthenticationTokenException', `Missing Authentication Token. ${REMEDY}`);
}

function inLambda(error: unknown): unknown {
  if (!(error instanceof HearthError) || error.fault !== 'caller') return error;
  const [code, message] = IN_LAMBDA[error.code] ?? [];
  if (code !== undefined && message !== undefined) return new HearthError(code, message, { cause: error });
  const signature = error.code === 'RequestTimeTooSkewed' || error.code === 'AccessDenied';
  return new HearthError(signature ? 'InvalidSignatureException' : 'IncompleteSignatureException', error.message, { cause: error });
}
