import type { Answer, Params } from './call.ts';
import { makeQueue } from './queue.ts';
import type { Replay, Scenario } from './replay.ts';

async function queueAndFunction(r: Replay): Promise<{ FunctionName: string; EventSourceArn: string }> {
  const FunctionName = r.name();
  await r.call('CreateFunction', await r.functionOf(FunctionName, { 'index.py': 'def handler(e, c): return e' }));
  return { FunctionName, EventSourceArn: (await makeQueue(r)).arn };
}

async function creating(r: Replay, more: Params): Promise<Answer> {
  return r.call('CreateEventSourceMapping', { ...(await queueAndFunction(r)), ...more });
}

function filtering(pattern: unknown, name = 'create_event_source_mapping_exception'): Scenario {
  return async (r) => {
    const Pattern = typeof pattern === 'string' ? pattern : JSON.stringify(pattern);
    r.check(name, await creating(r, { FilterCriteria: { Filters: [{ Pattern }] } }));
  };
}

const GROUP = 'TestSQSEventSourceMapping';

/** What of the mappings' recordings is Lambda's API alone. */
export const MAPPING_SCENARIOS: Readonly<Record<string, Scenario>> = {
  [`${GROUP}::test_event_source_mapping_default_batch_size`]: async (r) => {
    const given = await queueAndFunction(r);
    const made = await r.checkCall('create-event-source-mapping', 'CreateEventSourceMapping', given);
    await r.checkCall('invalid-update-event-source-mapping', 'UpdateEventSourceMapping', { UUID: made['UUID'], BatchSize: 11 });
    r.check('invalid-create-event-source-mapping', await creating(r, { BatchSize: 11 }));
    await r.call('DeleteEventSourceMapping', { UUID: made['UUID'] });
  },
  [`${GROUP}::test_duplicate_event_source_mappings`]: async (r) => {
    const given = await queueAndFunction(r);
    const made = await r.checkCall('create', 'CreateEventSourceMapping', given);
    await r.checkCall('error', 'CreateEventSourceMapping', given);
    await r.call('DeleteEventSourceMapping', { UUID: made['UUID'] });
  },
  [`${GROUP}::test_sqs_invalid_event_filter[invalid_filter2]`]: filtering({ eventSource: 'aws:sqs' }),
  [`${GROUP}::test_sqs_invalid_event_filter[invalid_filter3]`]: filtering({ eventSource: [] }),
  test_fifo_message_group_parallelism: async (r) => {
    const made = await creating(r, { BatchSize: 1, Enabled: false });
    r.check('create_esm_disabled', made);
    const mapping = { UUID: made['UUID'] };
    await r.checkCall('update_esm_enabling', 'UpdateEventSourceMapping', { ...mapping, Enabled: true });
    await r.checkCall('get_esm_enabled', 'GetEventSourceMapping', mapping);
    await r.call('DeleteEventSourceMapping', mapping);
  },
};
