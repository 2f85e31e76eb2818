import type { IncomingMessage, ServerResponse } from 'node:http';
import { ANYBODY, type Authority } from '../../auth/authority.ts';
import type { Keys } from '../../auth/keys.ts';
import { REMEDY } from '../../auth/remedy.ts';
import { verifyV2Url } from '../../auth/sigv2.ts';
import { verifySignature } from '../../auth/verify.ts';
import { HearthError } from '../../errors.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Bucket } from '../model.ts';
import { asS3Error, send, sendError, type S3Answer } from './answer.ts';
import { corsHeaders, refuseForeign } from './cors.ts';
import type { S3Deps } from './operation.ts';
import { operationOf } from './operations.ts';
import { tellable } from './permissions.ts';
import { isForm, postForm } from './post-form.ts';
import { bucketOf, firstSegment, isS3Host, parseRequest, type S3Request } from './request.ts';
import { withSignedQuery } from './signed-query.ts';

export interface S3ServiceDeps extends S3Deps {
  readonly keys: Keys;
  readonly authority: Authority;
  readonly log: Logger;
}

/** S3's API on the one endpoint. */
export class S3Service {
  readonly ownOriginOnly = false;
  readonly #deps: S3ServiceDeps;

  constructor(deps: S3ServiceDeps) {
    this.#deps = deps;
  }

  /** Whether a request that belongs to nobody else is S3's. `signedFor`: the service in its signature, or null. */
  claims(request: IncomingMessage, signedFor: string | null): boolean {
    if (signedFor !== null) return signedFor === 's3';
    if (isS3Host((request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase())) return true;
    const first = firstSegment(request.url ?? '/');
    return first !== null && this.#deps.store.has(first);
  }

  /** Serves a request; never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    const head = request.method === 'HEAD';
    let extra: Record<string, string> = {};
    try {
      const parsed = parseRequest(request, requestId);
      if (parsed.bucket !== null) await this.#deps.store.settled(parsed.bucket);
      if (parsed.method === 'OPTIONS') return await send(response, await this.#preflight(parsed), { requestId, head });
      extra = await this.#cors(parsed);
      const answer = isForm(parsed)
        ? await postForm(parsed, this.#deps, { ...this.#deps, cors: extra })
        : await this.#operation(parsed, extra);
      await send(response, answer, { requestId, head, extra });
    } catch (error) {
      const known = asS3Error(error);
      if (known.fault === 'platform') this.#deps.log.error({ err: error, requestId }, 'an S3 request failed');
      sendError(response, known, { requestId, head, extra });
    }
  }

  async #operation(parsed: S3Request, cors: Record<string, string>): Promise<S3Answer> {
    const { keys, authority, clock } = this.#deps;
    const nowMs = clock.now();
    const v4 = await verifySignature(parsed.signed, { keys, service: 's3', nowMs });
    const verified = v4 ?? (await verifyV2Url(parsed.signed, { keys, nowMs, bucket: parsed.byHost ? parsed.bucket : null }));
    if (verified === null) {
      if (!authority.unsignedData) throw new HearthError('AccessDenied', `Access Denied. ${REMEDY}`);
      refuseForeign(parsed, cors);
    }
    const caller = verified === null ? ANYBODY : authority.callerOf(verified.accessKeyId);
    // Version 2 does not sign these parameters: there anybody could have added them.
    const request = { ...(v4?.presigned === true ? withSignedQuery(parsed) : parsed), verified, caller };
    try {
      return await operationOf(request)(request, this.#deps);
    } catch (error) {
      throw tellable(request, error);
    }
  }

  /** Headers that let the page that asks read the answer; none for who is no page, or no page that may. */
  async #cors(r: S3Request): Promise<Record<string, string>> {
    const { origin } = r.raw.headers;
    if (origin === undefined || r.bucket === null) return {};
    const bucket = await this.#bucket(r.bucket);
    if (bucket === null) return {};
    return corsHeaders(bucket.settings.cors, { origin, method: r.method, headers: [] }, false) ?? {};
  }

  async #preflight(r: S3Request): Promise<S3Answer> {
    const { origin } = r.raw.headers;
    const method = r.raw.headers['access-control-request-method'];
    if (origin === undefined || method === undefined) {
      throw new HearthError('BadRequest', 'Insufficient information. Origin request header needed.');
    }
    const headers = (r.raw.headers['access-control-request-headers'] ?? '')
      .split(',')
      .map((h) => h.trim().toLowerCase())
      .filter((h) => h !== '');
    const bucket = await this.#bucket(bucketOf(r));
    const allowed = bucket === null ? null : corsHeaders(bucket.settings.cors, { origin, method, headers }, true);
    if (allowed !== null) return { status: 200, headers: allowed };
    throw new HearthError(
      'AccessDenied',
      `CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.`,
      {
        details: { Method: method, ResourceType: r.key === null ? 'BUCKET' : 'OBJECT' },
      },
    );
  }

  async #bucket(name: string): Promise<Bucket | null> {
    if (!this.#deps.store.has(name)) return null;
    return this.#deps.store.index.bucket(name);
  }
}
