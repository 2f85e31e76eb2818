import type { Authority } from '../auth/authority.ts';
import type { MappingState } from '../control/lambda/operation.ts';
import type { EventSourceMapping, Resources } from '../control/resources.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import { HearthError } from '../errors.ts';
import type { Directory } from '../gateway/directory.ts';
import type { EventPattern } from '../lib/event-pattern.ts';
import { stableUuid } from '../lib/stable-uuid.ts';
import type { QueueFeed } from '../model/delivery-view.ts';
import type { Queue } from '../model/queue.ts';
import { parseTableArn } from '../model/table-arn.ts';
import { QUEUE_DEFAULTS } from '../queues/attributes.ts';
import { newMessage } from '../queues/new-message.ts';
import { Queues } from '../queues/queues.ts';
import { systemAttributes } from '../queues/sqs/message-operations.ts';
import { SqsService } from '../queues/sqs/service.ts';
import type { PostgresStore } from '../store/postgres-store.ts';
import type { QueuedMessage } from '../triggers/ledger/target.ts';
import type { QueueMapping } from '../triggers/queue/mapping.ts';
import { QueuePollers } from '../triggers/queue/queue-pollers.ts';
import type { QueuePort } from '../triggers/queue/queue-port.ts';
import { QueueSource } from '../triggers/queue/queue-source.ts';
import type { Base } from './base.ts';
import { loopsOf } from './loops.ts';

interface Parts {
  readonly store: PostgresStore;
  /** What is run of a function. */
  readonly serving: Pick<Directory, 'resolve'>;
  readonly resources: Resources;
  readonly dispatcher: Dispatcher;
  readonly authority: Authority;
}

export interface OpenQueues {
  readonly service: SqsService;
  /** Triggers of hearth.yaml. */
  readonly source: QueueSource;
  /** Whether there is a queue of that name, or ARN. */
  readonly has: (queue: string) => boolean;
  /** What an event source mapping is doing; null when it is none of a queue, or is stopped. */
  readonly mapping: (uuid: string) => MappingState | null;
  /** Puts the outcome of an event into a queue. */
  readonly deliver: (queue: string, message: QueuedMessage) => Promise<void>;
  /** Which queues feed which functions, as it is now. */
  readonly feeds: () => QueueFeed[];
}

/** Queues with their API, and the event source mappings that take their messages to functions. */
export async function openQueues(base: Base, { store, serving, resources, dispatcher, authority }: Parts): Promise<OpenQueues> {
  const { config, clock, ids, log, closing, drain } = base;
  const scope = { accountId: config.accountId, region: config.region };
  const queues = await Queues.open({ store: store.queues(scope), clock, scope, log });
  closing.add('queues', () => queues.close());
  const functions = {
    find: (name: string, qualifier: string | null) => known(() => serving.resolve(name, qualifier).version),
    mayLoop: loopsOf(resources),
  };
  const pollers = new QueuePollers({ queues: portOf(queues), dispatcher, functions, notes: store.messageNotes, clock, ids, log });
  closing.add('pollers of queues', () => pollers.close());
  drain.add(() => pollers.close());
  drain.add(async () => queues.endWaits());
  followMappings(resources, pollers);
  const service = new SqsService({ queues, ids, scope, authority, log });
  const ensure = async (name: string): Promise<void> => {
    const attributes = { ...QUEUE_DEFAULTS, fifo: name.endsWith('.fifo'), contentBasedDeduplication: name.endsWith('.fifo') };
    if (queues.get(name) === null) await queues.create(name, { attributes, tags: {}, same: () => true });
  };
  return {
    service,
    mapping: (uuid) => stateOf(pollers, uuid),
    source: new QueueSource({ pollers, ensure, arn: (name) => queues.arn({ name }), clock, log }),
    feeds: () =>
      pollers.mappings().flatMap(({ queueArn, functionName, qualifier }) => {
        const [queue, version] = [queues.byArn(queueArn), functions.find(functionName, qualifier)];
        if (queue === null || version === null) return [];
        return [{ queueId: queue.queueId, queueName: queue.name, queueArn, functionId: version.functionId, qualifier }];
      }),
    has: (queue) => (queues.get(queue) ?? queues.byArn(queue)) !== null,
    async deliver(name, { id, body, attributes, traceHeader, groupId = 'outcomes' }) {
      const queue = known(() => queues.require(name));
      if (queue === null) throw new HearthError('ResourceNotFoundException', `There is no queue ${name}.`);
      const ordered = queue.attributes.fifo ? { groupId, deduplicationId: id.slice(0, 128) } : {};
      const message = { body: body.toString(), attributes, sender: 'hearth', traceHeader, ...ordered };
      // An outcome is the same message however often it is sent.
      await queues.send(queue, [newMessage(queue, message, { ordered: () => stableUuid(id) })]);
    },
  };
}

function portOf(queues: Queues): QueuePort {
  const of = (arn: string): Queue => {
    const queue = queues.byArn(arn);
    if (queue === null) throw new HearthError('QueueDoesNotExist', `The queue ${arn} does not exist.`);
    return queue;
  };
  return {
    receive: async (arn, how) => queues.receive(of(arn), { ...how, polled: true }),
    delete: async (arn, receipts) => void (await queues.store.delete(of(arn).queueId, receipts)),
    async hide(arn, receipts, { seconds, undo }) {
      const hidden = receipts.map((receipt) => ({ receipt, seconds }));
      await queues.store.hide(of(arn).queueId, hidden, undo);
    },
    visibilitySeconds: (arn) => of(arn).attributes.visibilityTimeout,
    mostReceives: (arn) => of(arn).attributes.redrive?.maxReceiveCount ?? null,
    systemAttributes: (message) => systemAttributes(message, { queues }),
  };
}

/** Serves the mappings of Lambda's API, as they are and as they change. */
function followMappings(resources: Resources, pollers: QueuePollers): void {
  const serve = (m: EventSourceMapping): void => {
    if (parseTableArn(m.sourceArn) === null) pollers.set(mappingOf(m));
  };
  for (const { document } of resources.list('event-source-mapping')) serve(document);
  resources.onChange((kind, key) => {
    if (kind !== 'event-source-mapping') return;
    const document = resources.get('event-source-mapping', key);
    if (document === null) void pollers.remove(key);
    else serve(document);
  });
}

function mappingOf(m: EventSourceMapping): QueueMapping {
  const s = m.settings as {
    readonly BatchSize?: number;
    readonly MaximumBatchingWindowInSeconds?: number;
    readonly ScalingConfig?: { readonly MaximumConcurrency?: number };
    readonly FunctionResponseTypes?: readonly string[];
    readonly FilterCriteria?: { readonly Filters?: readonly { readonly Pattern?: string }[] };
  };
  return {
    id: m.uuid,
    queueArn: m.sourceArn,
    functionName: m.functionName,
    qualifier: m.qualifier,
    enabled: m.enabled,
    batchSize: s.BatchSize ?? 10,
    windowMs: (s.MaximumBatchingWindowInSeconds ?? 0) * 1_000,
    concurrency: s.ScalingConfig?.MaximumConcurrency ?? null,
    reportsFailures: s.FunctionResponseTypes?.includes('ReportBatchItemFailures') === true,
    filters: (s.FilterCriteria?.Filters ?? []).flatMap((f) => (f.Pattern === undefined ? [] : [JSON.parse(f.Pattern) as EventPattern])),
  };
}

function stateOf(pollers: QueuePollers, uuid: string): MappingState | null {
  const turning = pollers.isStopping(uuid);
  const status = pollers.status(uuid);
  if (status === null) return turning ? { turning, lastResult: null } : null;
  // Of queues AWS tells no result; what keeps them from being polled is told all the same.
  return { turning, lastResult: status.detail === null ? null : `PROBLEM: ${status.detail}` };
}

/** What is there; null when it is not. */
function known<T>(find: () => T): T | null {
  try {
    return find();
  } catch (error) {
    if (error instanceof HearthError && error.fault === 'caller') return null;
    throw error;
  }
}
