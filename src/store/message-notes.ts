import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { MessageLedger, MessageNote } from '../triggers/queue/message-notes.ts';
import { HISTORY, storable } from './delivery-ledger.ts';
import type { Run } from './functions.ts';
import type { Database } from './schema.ts';

/** Outcomes of messages in the ledger of deliveries: always finished, since their queue is what they are run from. */
export function messageLedger(db: Kysely<Database>, run: Run): MessageLedger {
  return { note: (notes) => run(() => note(db, notes)) };
}

async function note(db: Kysely<Database>, notes: readonly MessageNote[]): Promise<void> {
  // A message may be in its queue twice, as an outcome that was sent again is.
  const distinct = [...new Map(notes.map((n) => [n.messageId, n])).values()];
  const documents = distinct.map((n) => ({
    event_id: n.messageId,
    lane: n.functionId,
    qualifier: n.qualifier ?? '',
    source_arn: n.queueArn,
    subject: `${n.queueArn.split(':').at(-1)}/${n.messageId}`,
    request_id: n.attempt.requestId,
    payload: n.payload.toString('base64'),
    lineage: n.lineage,
    trace_id: n.traceId,
    sent_ms: n.sentAtMs,
    attempts: n.attempt.attempt,
    record: storable(JSON.stringify([n.attempt])),
    state: n.state,
    reason: n.reason,
  }));
  // One that is being driven again is the workers' until it has ended.
  await sql`
    insert into hearth.delivery as d (event_id, lane, qualifier, function_id, source, source_arn, subject, request_id, payload, lineage, trace_id,
      occurred_at, state, attempts, function_errors, history, reason, finished_at)
    select event_id, lane, qualifier, lane, 'queue', source_arn, subject, request_id, decode(payload, 'base64'), lineage, trace_id,
      to_timestamp(sent_ms / 1000), state, attempts, case when state = 'failed' then 1 else 0 end, record::jsonb, reason, now()
    from json_to_recordset(${JSON.stringify(documents)}::json) as n(event_id text, lane text, qualifier text, source_arn text, subject text, request_id text,
      payload text, lineage text, trace_id text, sent_ms float8, attempts int, record text, state text, reason text)
    on conflict (event_id, lane, qualifier) do update set state = excluded.state, reason = excluded.reason, request_id = excluded.request_id,
      attempts = greatest(d.attempts, excluded.attempts), finished_at = now(), function_errors = d.function_errors + excluded.function_errors,
      history = case when jsonb_array_length(d.history) >= ${sql.lit(HISTORY)} then d.history - 0 else d.history end || excluded.history
      where d.state in ('succeeded', 'failed')`.execute(db);
}
