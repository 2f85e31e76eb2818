import type { AttemptRecord, FailureReason } from '../../model/delivery-outcome.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import type { ReceivedMessage } from '../../model/queue.ts';
import type { QueueMapping } from './mapping.ts';
import type { SqsRecord } from './records.ts';

/** What a function made of one message, as the ledger keeps it beside the queue: under the message's id, however often it is received. */
export interface MessageNote {
  readonly messageId: string;
  readonly queueArn: string;
  readonly functionId: string;
  readonly qualifier: string | null;
  /** The event with this message alone: what a redrive runs. */
  readonly payload: Buffer;
  readonly lineage: string;
  readonly traceId: string;
  readonly sentAtMs: number;
  readonly attempt: AttemptRecord;
  readonly state: 'succeeded' | 'failed';
  readonly reason: FailureReason | null;
}

/** Where messages' outcomes are noted. Durable enough to be seen; rejects with HearthError while the database is away. */
export interface MessageLedger {
  note(notes: readonly MessageNote[]): Promise<void>;
}

/** What is known of a batch that was run. */
export interface BatchRun {
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** '' when the function answered. */
  readonly errorType: string;
  readonly message: string;
  readonly lineage: string;
  readonly failed: ReadonlySet<string>;
}

/** The notes of a batch. `mostReceives`: how often a message is received before it goes to the dead letters; null: without end. */
export function notesOf(
  batch: readonly { readonly message: ReceivedMessage; readonly record: SqsRecord }[],
  run: BatchRun,
  of: { readonly mapping: QueueMapping; readonly version: FunctionVersion; readonly mostReceives: number | null },
): MessageNote[] {
  return batch.map(({ message: m, record }) => {
    const failed = run.failed.has(m.messageId);
    const last = of.mostReceives !== null && m.receiveCount >= of.mostReceives;
    const { requestId, startedAtMs, durationMs } = run;
    const reported = run.errorType === '' ? 'BatchItemFailure' : run.errorType;
    return {
      messageId: m.messageId,
      queueArn: of.mapping.queueArn,
      functionId: of.version.functionId,
      qualifier: of.mapping.qualifier,
      payload: Buffer.from(JSON.stringify({ Records: [record] })),
      lineage: run.lineage,
      traceId: m.traceHeader ?? '',
      sentAtMs: m.sentAtMs,
      attempt: {
        attempt: m.receiveCount,
        requestId,
        startedAtMs,
        durationMs,
        outcome: failed ? 'function_error' : 'ok',
        errorType: failed ? reported : '',
        message: failed ? run.message : '',
      },
      state: failed ? 'failed' : 'succeeded',
      reason: failed ? (last ? 'RetriesExhausted' : 'ReturnedToQueue') : null,
    };
  });
}
