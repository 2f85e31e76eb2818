import type { NewDelivery } from '../../../model/delivery.ts';
import type { BusEvent } from '../../../model/event-rule.ts';

/** The outcome of an invocation as Lambda puts it on an event bus: its record is the detail. `id` is a UUID, the same at every attempt. */
export function outcomeBusEvent(
  delivery: Pick<NewDelivery, 'occurredAtMs' | 'payload'>,
  facts: {
    readonly id: string;
    readonly succeeded: boolean;
    readonly functionArn: string;
    /** The name of the bus. */
    readonly bus: string;
    readonly accountId: string;
    readonly region: string;
  },
): BusEvent {
  const { id, succeeded, functionArn, bus, accountId: account, region } = facts;
  return {
    version: '0',
    id,
    'detail-type': `Lambda Function Invocation Result - ${succeeded ? 'Success' : 'Failure'}`,
    source: 'lambda',
    account,
    time: `${new Date(delivery.occurredAtMs).toISOString().slice(0, 19)}Z`,
    region,
    resources: [`arn:aws:events:${region}:${account}:event-bus/${bus}`, functionArn],
    detail: JSON.parse(delivery.payload.toString()) as unknown,
  };
}
