import { createHash } from 'node:crypto';
import type { NewDelivery } from '../../model/delivery.ts';
import type { BusTarget } from '../../model/event-rule.ts';

/** What ARNs of targets mean now; null: nothing that is here. */
export interface TargetLookup {
  functionOf(arn: string): { readonly functionId: string; readonly qualifier: string | null } | null;
  queueOf(arn: string): string | null;
}

/** What all deliveries of one happening have in common. */
export type Happening = Pick<NewDelivery, 'id' | 'source' | 'sourceArn' | 'subject' | 'lineage' | 'traceId' | 'occurredAtMs'>;

/** The delivery of a happening to a target; null when what its ARN names is not there. The same happening and target give the same id for ever. */
export function busDelivery(happening: Happening, target: BusTarget, payload: string, lookup: TargetLookup): NewDelivery | null {
  const id = `${happening.id}:${createHash('sha256').update(target.Id).digest('hex').slice(0, 12)}`;
  const base = { ...happening, id, orderKey: null, payload: Buffer.from(payload) };
  const found = lookup.functionOf(target.Arn);
  if (found !== null) return { ...base, ...found };
  const queue = lookup.queueOf(target.Arn);
  if (queue === null) return null;
  const groupId = target.SqsParameters?.MessageGroupId;
  return { ...base, functionId: '', qualifier: null, destination: { kind: 'queue', queue, ...(groupId === undefined ? {} : { groupId }) } };
}
