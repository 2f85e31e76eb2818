import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HearthError } from '../../errors.ts';
import { readAll } from '../../lib/read-all.ts';
import type { DeliveryIntake, NewDelivery } from '../../model/delivery.ts';
import type { Listeners, Listener } from '../../objects/events/listeners.ts';
import { wants } from '../../objects/events/notification.ts';
import { shaped, type Place } from '../../objects/events/shapes.ts';
import type { Targets } from '../../objects/events/targets.ts';
import { NEW_BUCKET } from '../../objects/model.ts';
import { parseNotification, type ExternalRecord } from './external-record.ts';

export interface WebhookDeps {
  readonly listeners: Listeners;
  readonly targets: Targets;
  readonly intake: DeliveryIntake;
  readonly place: Place;
  /** What a sender must know. */
  readonly token: string;
  readonly nowMs: () => number;
}

const PATH = '/hearth/v1/webhooks/s3';
const BODY_BYTES = 2 * 1024 * 1024;

/**
 * Takes the notifications of S3 stores elsewhere (MinIO, RustFS, versitygw, Ceph, AWS) for triggers that say `external: true`. Answered
 * 200 when the deliveries are durable: a sender that gets anything else sends again, and the same record is the same event.
 */
export class S3Webhook {
  readonly ownOriginOnly = true;
  readonly #deps: WebhookDeps;

  constructor(deps: WebhookDeps) {
    this.#deps = deps;
  }

  claims(request: IncomingMessage): boolean {
    const url = request.url ?? '';
    return url === PATH || url.startsWith(`${PATH}?`);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Senders ask whether somebody is there before they send.
    if (request.method === 'GET' || request.method === 'HEAD') return answer(response, 200);
    if (request.method !== 'POST') throw new HearthError('MethodNotAllowed', 'send events with POST');
    if (!this.#knows(request)) {
      throw new HearthError(
        'AccessDeniedException',
        'give the token in HEARTH_HOME/webhook-token as "Authorization: Bearer TOKEN" or as ?token=TOKEN',
      );
    }
    const deliveries = parseNotification(await read(request)).flatMap((r) => this.#deliveries(r));
    await this.#deps.intake.accept(deliveries);
    answer(response, 200);
  }

  /** As a bearer token, as the password of basic authentication (Ceph), or in the query (versitygw). */
  #knows(request: IncomingMessage): boolean {
    const { authorization = '' } = request.headers;
    const basic = /^Basic (.+)$/i.exec(authorization)?.[1];
    const given = [
      authorization.replace(/^Bearer /i, ''),
      basic === undefined
        ? ''
        : Buffer.from(basic, 'base64')
            .toString()
            .replace(/^[^:]*:/, ''),
      new URLSearchParams((request.url ?? '').split('?')[1]).get('token') ?? '',
    ];
    return given.some((text) => same(text, this.#deps.token));
  }

  #deliveries(r: ExternalRecord): NewDelivery[] {
    return this.#deps.listeners
      .of(r.bucket)
      .filter((l) => l.external && wants(l.target, r.eventName, r.key))
      .flatMap((l) => {
        const to = this.#deps.targets.functionOf(l.target.arn);
        return to === null ? [] : [this.#delivery(r, { listener: l, to })];
      });
  }

  #delivery(r: ExternalRecord, o: { listener: Listener; to: Pick<NewDelivery, 'functionId' | 'qualifier'> }): NewDelivery {
    const { bucket, key, size, etag, versionId, sequencer } = r;
    const atMs = r.atMs ?? this.#deps.nowMs();
    const id = `s3:external:${bucket}:${createHash('sha256').update(r.identity).digest('hex').slice(0, 32)}`;
    o.listener.told(atMs);
    const happening = {
      name: r.eventName,
      bucket: { name: bucket, createdAtMs: 0, settings: NEW_BUCKET },
      key,
      size,
      etag,
      versionId,
      sequence: /^[0-9a-f]+$/i.test(sequencer) ? BigInt(`0x${sequencer}`).toString() : '0',
      atMs,
      cause: { requestId: id, sourceIp: '', principal: 'external', lineage: '', traceId: '' },
    };
    const { shape, id: configurationId } = o.listener.target;
    const event = shape === 's3' ? { Records: [r.record] } : shaped(shape, happening, { ...this.#deps.place, id, configurationId });
    return {
      id,
      source: 'objects',
      sourceArn: `arn:aws:s3:::${bucket}`,
      subject: `${bucket}/${key}`,
      orderKey: null,
      payload: Buffer.from(JSON.stringify(event)),
      lineage: '',
      traceId: '',
      occurredAtMs: atMs,
      ...o.to,
    };
  }
}

function same(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const body = await readAll(request, BODY_BYTES);
  if (body === null) throw new HearthError('RequestTooLargeException', `events may have at most ${BODY_BYTES} bytes`);
  return body;
}

function answer(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0 });
  response.end();
}
