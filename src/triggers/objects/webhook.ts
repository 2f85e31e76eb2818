import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { HearthError } from '../../errors.ts';
import type { DeliveryIntake, NewDelivery } from '../../model/delivery.ts';
import type { Listeners, Listener } from '../../objects/events/listeners.ts';
import { wants } from '../../objects/events/notification.ts';
import { shaped, type Place } from '../../objects/events/shapes.ts';
import type { Targets } from '../../objects/events/targets.ts';
import { NEW_BUCKET } from '../../objects/model.ts';

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

/** A record of S3's notification, as far as it steers something; the rest is passed on as it came. */
const record = z.looseObject({
  eventName: z.string(),
  eventTime: z.string().optional(),
  s3: z.looseObject({
    bucket: z.looseObject({ name: z.string() }),
    object: z.looseObject({
      key: z.string(),
      size: z.number().optional(),
      eTag: z.string().optional(),
      versionId: z.string().nullish(),
      sequencer: z.string().optional(),
    }),
  }),
});
type S3Record = z.output<typeof record>;
const body = z.looseObject({ Records: z.array(record).optional() });

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
    const deliveries = parse(await read(request)).flatMap((r) => this.#deliveries(r));
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

  #deliveries(r: S3Record): NewDelivery[] {
    const bucket = r.s3.bucket.name;
    const key = decodeKey(r.s3.object.key);
    const eventName = r.eventName.replace(/^s3:/, '');
    return this.#deps.listeners
      .of(bucket)
      .filter((l) => l.external && wants(l.target, eventName, key))
      .flatMap((l) => {
        const to = this.#deps.targets.functionOf(l.target.arn);
        return to === null ? [] : [this.#delivery(r, { listener: l, to, key, eventName })];
      });
  }

  #delivery(
    r: S3Record,
    o: { listener: Listener; to: Pick<NewDelivery, 'functionId' | 'qualifier'>; key: string; eventName: string },
  ): NewDelivery {
    const bucket = r.s3.bucket.name;
    const { size = 0, eTag = '', versionId, sequencer = '' } = r.s3.object;
    const parsedMs = Date.parse(r.eventTime ?? '');
    const atMs = Number.isNaN(parsedMs) ? this.#deps.nowMs() : parsedMs;
    const happened = [bucket, o.key, o.eventName, r.eventTime ?? '', sequencer, versionId ?? '', eTag].join('\0');
    const id = `s3:external:${bucket}:${createHash('sha256').update(happened).digest('hex').slice(0, 32)}`;
    o.listener.told(atMs);
    const cause = { requestId: id, sourceIp: '', principal: 'external', lineage: '', traceId: '' };
    const happening = {
      name: o.eventName,
      bucket: { name: bucket, createdAtMs: 0, settings: NEW_BUCKET },
      key: o.key,
      size,
      etag: eTag,
      versionId: versionId ?? null,
      sequence: /^[0-9a-f]+$/i.test(sequencer) ? BigInt(`0x${sequencer}`).toString() : '0',
      atMs,
      cause,
    };
    const { shape, id: configurationId } = o.listener.target;
    const event = shape === 's3' ? { Records: [r] } : shaped(shape, happening, { ...this.#deps.place, id, configurationId });
    return {
      id,
      source: 'objects',
      sourceArn: `arn:aws:s3:::${bucket}`,
      subject: `${bucket}/${o.key}`,
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

/** Keys come encoded as in a form; one that can't be decoded is taken as it is. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}

function parse(bytes: Buffer): S3Record[] {
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new HearthError('InvalidRequestContentException', `the body is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = body.safeParse(document);
  if (parsed.success) return parsed.data.Records ?? [];
  const [issue] = parsed.error.issues;
  throw new HearthError('InvalidRequestContentException', `not an event of S3: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length;
    if (bytes > BODY_BYTES) throw new HearthError('RequestTooLargeException', `events may have at most ${BODY_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function answer(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-length': 0 });
  response.end();
}
