import { HearthError, type ErrorCode } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Keys } from './keys.ts';
import { sha256Hex, type SignedRequest } from './sigv4.ts';
import { allows, type KeyStatement } from './statements.ts';
import { verifySignature } from './verify.ts';

/** Who sent a request, as far as it was asked. */
export interface Caller {
  /** Throws HearthError AccessDeniedException when the caller may not do this. */
  require(action: string, resource: string): void;
}

export interface AuthorityDeps {
  readonly keys: Keys;
  /** What a key may do; null: everything. */
  readonly statementsOf: (accessKeyId: string) => readonly KeyStatement[] | null;
  readonly clock: Clock;
  readonly accountId: string;
  /** Asked for each request: keys come and go. */
  readonly required: () => boolean;
}

const ANYBODY: Caller = { require: () => undefined };

/** What signatures' errors are called in Lambda's API. */
const IN_LAMBDA: Readonly<Partial<Record<ErrorCode, readonly [code: ErrorCode, message: string]>>> = {
  InvalidAccessKeyId: ['UnrecognizedClientException', 'The security token included in the request is invalid.'],
  SignatureDoesNotMatch: [
    'InvalidSignatureException',
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  ],
};

/** Decides who may do what with functions, their logs, rules and schedules. In local mode (nothing is required) whoever reaches the server may do everything. */
export class Authority {
  readonly #deps: AuthorityDeps;

  constructor(deps: AuthorityDeps) {
    this.#deps = deps;
  }

  /** Whether requests must be signed by a key of this server. */
  get required(): boolean {
    return this.#deps.required();
  }

  /**
   * The sender of a request to a service. `payload` null: it is not at hand, and the request must say what it signed. Throws, where signatures are
   * required, MissingAuthenticationTokenException, UnrecognizedClientException, InvalidSignatureException or IncompleteSignatureException.
   */
  async identify(request: SignedRequest, payload: Buffer | null, service = 'lambda'): Promise<Caller> {
    if (!this.required) return ANYBODY;
    const verified = await this.#verified(request, payload, service);
    const { statementsOf, accountId } = this.#deps;
    const statements = statementsOf(verified);
    if (statements === null) return ANYBODY;
    return {
      require(action, resource) {
        if (allows(statements, action, resource)) return;
        throw new HearthError(
          'AccessDeniedException',
          `User: arn:aws:iam::${accountId}:user/${verified} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
        );
      },
    };
  }

  async #verified(request: SignedRequest, payload: Buffer | null, service: string): Promise<string> {
    const { keys, clock } = this.#deps;
    const declared = request.headers['x-amz-content-sha256']?.[0];
    const computed = payload === null ? undefined : sha256Hex(payload);
    if (declared !== undefined && declared !== 'UNSIGNED-PAYLOAD' && computed !== undefined && declared !== computed)
      throw new HearthError('InvalidSignatureException', 'The payload is not the one that was signed.');
    try {
      const options = { keys, service, nowMs: clock.now(), ...(computed === undefined ? {} : { payloadHash: computed }) };
      const verified = await verifySignature(request, options);
      if (verified !== null) return verified.accessKeyId;
    } catch (error) {
      throw inLambda(error);
    }
    throw new HearthError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
}

function inLambda(error: unknown): unknown {
  if (!(error instanceof HearthError) || error.fault !== 'caller') return error;
  const [code, message] = IN_LAMBDA[error.code] ?? [];
  if (code !== undefined && message !== undefined) return new HearthError(code, message, { cause: error });
  const signature = error.code === 'RequestTimeTooSkewed' || error.code === 'AccessDenied';
  return new HearthError(signature ? 'InvalidSignatureException' : 'IncompleteSignatureException', error.message, { cause: error });
}
