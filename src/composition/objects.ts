import type { Base } from './base.ts';
import { join } from 'node:path';
import { openLocalToken } from '../auth/local-token.ts';
import type { EndpointService } from '../gateway/endpoint-service.ts';
import { S3Webhook } from '../triggers/objects/webhook.ts';
import { targetsIn } from './target-lookup.ts';
import { watchFolders } from './watched-folders.ts';
import type { Authority } from '../auth/authority.ts';
import type { Keys } from '../auth/keys.ts';
import type { FunctionRegistry } from '../control/registry.ts';
import type { Timer } from '../lib/clock.ts';
import { announcer } from '../objects/events/announce.ts';
import { Listeners } from '../objects/events/listeners.ts';
import { FileBlobs } from '../objects/file-blobs.ts';
import { ObjectStore } from '../objects/object-store.ts';
import { S3Service } from '../objects/s3/service.ts';
import type { PostgresStore } from '../store/postgres-store.ts';

interface Parts {
  readonly store: PostgresStore;
  /** Whether no other database refers to what lies in the home. */
  readonly sole: boolean;
  readonly registry: FunctionRegistry;
  readonly keys: Keys;
  readonly authority: Authority;
  /** Whether there is a queue of this name. */
  readonly hasQueue: (name: string) => boolean;
  readonly bus: Parameters<typeof announcer>[0]['bus'];
}

const SWEEP_MS = 60 * 60_000;

/** The object store, as other parts see it. */
export interface Objects {
  readonly store: ObjectStore;
  readonly listeners: Listeners;
  /** What the endpoint serves of it: S3's API, and the webhook of S3 stores elsewhere. */
  readonly services: readonly EndpointService[];
  /** Begins to look at the folders that are buckets: once triggers are there to be told. */
  watch(): void;
}

/** The object store and its S3 API. What a kill left of uploads is removed in the background. */
export async function openObjects(base: Base, { store, sole, registry, keys, authority, hasQueue, bus }: Parts): Promise<Objects> {
  const { config, log, clock, ids } = base;
  const place = { accountId: config.accountId, region: config.region };
  const targets = targetsIn(registry, hasQueue);
  const listeners = new Listeners();
  const index = store.objects({ scope: place, nowMs: () => clock.now(), announce: announcer({ place, targets, listeners, bus }) });
  const objects = await ObjectStore.open({ blobs: new FileBlobs(join(config.home, 'objects'), ids), index, clock, ids });
  if (sole) keepSwept(objects, base);
  const service = new S3Service({ store: objects, place, clock, ids, targets, listeners, keys, authority, log });
  const token = openLocalToken(join(config.home, 'webhook-token'));
  const webhook = new S3Webhook({ listeners, targets, intake: store.intake, place, token, nowMs: () => clock.now() });
  return { store: objects, listeners, services: [webhook, service], watch: () => watchFolders(base, objects) };
}

function keepSwept(objects: ObjectStore, { log, clock, closing }: Base): void {
  let [timer, closed]: [Timer | null, boolean] = [null, false];
  let running: Promise<unknown> = Promise.resolve();
  const sweep = (): void => {
    running = objects
      .sweep()
      .then(
        (removed) => removed > 0 && log.info({ removed }, 'removed content that no object refers to'),
        (err: unknown) => closed || log.error({ err }, 'content that no object refers to could not be removed'),
      )
      .then(() => {
        if (!closed) timer = clock.after(SWEEP_MS, sweep);
      });
  };
  sweep();
  closing.add('objects', async () => {
    closed = true;
    timer?.cancel();
    await running;
  });
}
