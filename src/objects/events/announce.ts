import type { NewDelivery } from '../../model/delivery.ts';
import type { BusEvent } from '../../model/event-rule.ts';
import { sequencer, type Happening } from './happening.ts';
import type { Listeners } from './listeners.ts';
import { wants, type NotificationTarget } from './notification.ts';
import { eventBridgeEvent, shaped, type Place } from './shapes.ts';
import type { Targets } from './targets.ts';

/** An event for the event bus, in EventBridge's form. */
interface OnBus {
  readonly event: BusEvent;
  readonly lineage: string;
  readonly traceId: string;
}

interface AnnouncerOptions {
  readonly place: Place;
  readonly targets: Targets;
  readonly listeners: Listeners;
  /** What an event comes to by the rules of the event bus; for buckets that are to tell it. */
  readonly bus: (published: OnBus) => readonly NewDelivery[];
}

/** Makes the deliveries of what happens to objects: one for each target of the bucket that wants to know and is there. */
export function announcer(o: AnnouncerOptions): (happening: Happening) => NewDelivery[] {
  return (h) => {
    const listeners = o.listeners.of(h.bucket.name).filter(({ target, external }) => !external && wants(target, h.name, h.key));
    for (const listener of listeners) listener.told(h.atMs);
    const configured = h.bucket.settings.notification.targets.filter((target) => wants(target, h.name, h.key));
    const told = [...listeners.map((l) => l.target), ...configured].flatMap((target) => {
      const to = addressee(target, o.targets);
      return to === null ? [] : [delivery(h, target, { ...to, place: o.place })];
    });
    return h.bucket.settings.notification.eventBridge ? [...told, ...o.bus(onBus(h, o.place))] : told;
  };
}

function onBus(h: Happening, place: Place): OnBus {
  return { event: eventBridgeEvent(h, { ...place, id: idOf(h) }), lineage: h.cause.lineage, traceId: h.cause.traceId };
}

/** Sequence numbers may repeat after a restore of the database, but not at the same time. */
function idOf(h: Happening): string {
  return `s3:${h.bucket.name}:${sequencer(h.sequence)}:${h.atMs}`;
}

type Addressee = Pick<NewDelivery, 'functionId' | 'qualifier' | 'destination'>;

/** Null for a function or queue that is gone: S3 says nothing of it either. */
function addressee(target: NotificationTarget, targets: Targets): Addressee | null {
  if (target.kind === 'function') return targets.functionOf(target.arn);
  const queue = targets.queueOf(target.arn);
  return queue === null ? null : { functionId: '', qualifier: null, destination: { kind: 'queue', queue } };
}

function delivery(h: Happening, target: NotificationTarget, o: Addressee & { place: Place }): NewDelivery {
  const { place, ...to } = o;
  const id = idOf(h);
  return {
    id,
    source: 'objects',
    sourceArn: `arn:aws:s3:::${h.bucket.name}`,
    subject: `${h.bucket.name}/${h.key}`,
    orderKey: null,
    payload: Buffer.from(JSON.stringify(shaped(target.shape, h, { ...place, id, configurationId: target.id }))),
    lineage: h.cause.lineage,
    traceId: h.cause.traceId,
    occurredAtMs: h.atMs,
    ...to,
  };
}
