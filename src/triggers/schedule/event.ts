import { createHash } from 'node:crypto';
import type { NewDelivery } from '../../model/delivery.ts';
import type { TriggerRecord } from '../../model/trigger-record.ts';

type ScheduleRecord = TriggerRecord<'schedule'>;

/** The ARN of a schedule, as EventBridge Scheduler writes it. */
function scheduleArn(record: ScheduleRecord): string {
  return `arn:aws:scheduler:${record.region}:${record.accountId}:schedule/default/${scheduleName(record)}`;
}

function scheduleName(record: ScheduleRecord): string {
  return record.configuration.name ?? `${record.functionName}-${record.id.slice(0, 8)}`;
}

/** The delivery of a schedule for a time it was due: the same whoever makes it, and whenever. */
export function scheduleDelivery(record: ScheduleRecord, atMs: number): NewDelivery {
  const id = `schedule:${record.id}:${new Date(atMs).toISOString()}`;
  const arn = scheduleArn(record);
  return {
    id,
    source: 'schedule',
    sourceArn: arn,
    subject: scheduleName(record),
    functionId: record.functionId,
    qualifier: null,
    orderKey: null,
    payload: Buffer.from(JSON.stringify(eventOf(record, { id, arn, atMs }))),
    lineage: '',
    traceId: '',
    occurredAtMs: atMs,
  };
}

/** A time that is due: `id` is the same for the same time for ever. */
interface Due {
  readonly id: string;
  readonly arn: string;
  readonly atMs: number;
}

function eventOf({ configuration, accountId, region }: ScheduleRecord, due: Due): unknown {
  if (configuration.input !== undefined) return filledIn(configuration.input, due);
  return scheduleEvent({ ...due, accountId, region, source: 'aws.scheduler' });
}

/** The event of a time, as EventBridge (`aws.events`) and its Scheduler write it. */
export function scheduleEvent(due: Due & { readonly accountId: string; readonly region: string; readonly source: string }): unknown {
  return {
    version: '0',
    id: uuidOf(digestOf(due)),
    'detail-type': 'Scheduled Event',
    source: due.source,
    account: due.accountId,
    time: timeOf(due),
    region: due.region,
    resources: [due.arn],
    detail: {},
  };
}

/** A text with Scheduler's keywords filled in. */
export function withScheduleWords(text: string, due: Due): string {
  const words: Readonly<Record<string, string>> = {
    '<aws.scheduler.schedule-arn>': due.arn,
    '<aws.scheduler.scheduled-time>': timeOf(due),
    '<aws.scheduler.execution-id>': digestOf(due).slice(0, 16),
    '<aws.scheduler.attempt-number>': '1',
  };
  return text.replaceAll(/<aws\.scheduler\.[a-z-]+>/g, (word) => words[word] ?? word);
}

function timeOf({ atMs }: Due): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

function digestOf({ id }: Due): string {
  return createHash('sha256').update(id).digest('hex');
}

/** Replaces Scheduler's keywords in every text of a JSON value. */
function filledIn(value: unknown, due: Due): unknown {
  if (typeof value === 'string') return withScheduleWords(value, due);
  if (Array.isArray(value)) return value.map((item) => filledIn(item, due));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filledIn(item, due)]));
}

/** A UUID (version 8: of one's own making) from a digest. */
function uuidOf(hex: string): string {
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
