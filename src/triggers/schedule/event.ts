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

function eventOf(record: ScheduleRecord, { id, arn, atMs }: { id: string; arn: string; atMs: number }): unknown {
  const time = `${new Date(atMs).toISOString().slice(0, 19)}Z`;
  const digest = createHash('sha256').update(id).digest('hex');
  const { input } = record.configuration;
  if (input !== undefined) {
    return filledIn(input, {
      '<aws.scheduler.schedule-arn>': arn,
      '<aws.scheduler.scheduled-time>': time,
      '<aws.scheduler.execution-id>': digest.slice(0, 16),
      '<aws.scheduler.attempt-number>': '1',
    });
  }
  return {
    version: '0',
    id: uuidOf(digest),
    'detail-type': 'Scheduled Event',
    source: 'aws.scheduler',
    account: record.accountId,
    time,
    region: record.region,
    resources: [arn],
    detail: {},
  };
}

/** Replaces Scheduler's keywords in every text of a JSON value. */
function filledIn(value: unknown, words: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return value.replaceAll(/<aws\.scheduler\.[a-z-]+>/g, (word) => words[word] ?? word);
  if (Array.isArray(value)) return value.map((item) => filledIn(item, words));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filledIn(item, words)]));
}

/** A UUID (version 8: of one's own making) from a digest. */
function uuidOf(hex: string): string {
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
