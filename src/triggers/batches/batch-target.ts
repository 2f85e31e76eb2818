import type { Clock } from '../../lib/clock.ts';
import type { BatchContract } from '../../model/batch-contract.ts';
import { triggerOfBatch, type BatchOrder } from '../../model/batch-contract.ts';
import type { DeliveryIntake, NewDelivery } from '../../model/delivery.ts';
import type { Attempted, Target } from '../ledger/attempt.ts';
import type { Claimed, NextStep } from '../ledger/ledger.ts';
import { failedItems } from '../queue/policies/batch-failures.ts';
import type { BatchOwner, BatchStore } from './batch-store.ts';
import type { BatchRecord, DiscardFacts } from './policies/discard-record.ts';
import { afterAging, afterRun, backOffMs, wholeBatch, type Progress, type Step } from './policies/progress.ts';

export interface BatchTargetDeps {
  /** Runs a function with an event. */
  readonly functions: Target;
  /** The contract of a trigger, by its id, as it is now; null where its batches are retried as any asynchronous invocation. */
  readonly contract: (triggerId: string) => BatchContract | null;
  /** Whose the batches of a trigger are now; null when it is not there. */
  readonly owner: (triggerId: string) => BatchOwner | null;
  readonly store: BatchStore;
  readonly intake: DeliveryIntake;
  /** The delivery that tells a destination of what was given up. */
  readonly discard: (claimed: Claimed, to: string, facts: Omit<DiscardFacts, 'nowMs' | 'functionArn'>) => NewDelivery;
  readonly clock: Clock;
}

/** How long a batch of a mapping that is stopped waits unless it is told: enabling tells it. */
const STOPPED_MS = 60_000;
/** How long one waits that came to the head of its order while others of before are still to be run: twice as long each time, up to the last. */
const BEHIND_MS = { first: 100, most: 2_000 };

interface Batch {
  readonly claimed: Claimed;
  readonly contract: BatchContract;
  readonly records: readonly BatchRecord[];
}

/**
 * Runs batches of changes as Lambda's event source mappings run those of streams: one invocation an attempt, with what is still open of the batch; how far it is is
 * remembered beside the ledger before the attempt ends, and whom it concerns is told before that. Killed in between, records come again, and none is left out.
 */
export function batchTarget(deps: BatchTargetDeps): Target {
  const isBehind = generations(deps.store);
  return {
    most: (lane) => deps.functions.most(lane),
    limits: (claimed) => {
      const limits = deps.functions.limits(claimed);
      return contractOf(deps, claimed) === null ? limits : { ...limits, maxAgeMs: Number.POSITIVE_INFINITY };
    },
    async attempt(claimed) {
      const contract = contractOf(deps, claimed);
      try {
        if (await isReaddressed(deps, claimed))
          return ended('not_tried', later(claimed, 0), 'Goes to the function that its event source mapping names now.');
        if (await isBehind(claimed))
          return ended('not_tried', later(claimed, behindMs(claimed)), 'Waits for changes from before `parallel` was changed.');
      } catch (error) {
        return broken(claimed, error);
      }
      if (contract === null) return deps.functions.attempt(claimed);
      if (contract === 'gone')
        return ended('not_tried', { kind: 'failed', reason: 'TriggerGone' }, 'The event source mapping is not there any more.');
      if (contract.stopped) return ended('not_tried', later(claimed, STOPPED_MS), 'The event source mapping is disabled.');
      try {
        const { Records } = JSON.parse(claimed.payload.toString()) as { Records: BatchRecord[] };
        return await attempt(deps, { claimed, contract, records: Records });
      } catch (error) {
        return broken(claimed, error);
      }
    },
  };
}

/**
 * Whether a batch has to wait for others that came before it and were shared out to another number of orders: among them may be changes of its rows. Asked of the
 * store only until none of them is left of a generation; what is driven again later is run beside.
 */
function generations(store: BatchStore): (claimed: Claimed) => Promise<boolean> {
  const clear = new Map<string, number>();
  return async (claimed) => {
    const order = triggerOf(claimed);
    if (order === null) return false;
    const { id, generation, prefix: all } = order;
    if (generation <= (clear.get(id) ?? 0)) return false;
    const isBehind = await store.isBehind(claimed, { all, own: `${all}${generation}-` });
    if (!isBehind) clear.set(id, generation);
    return isBehind;
  };
}

function behindMs({ attempt }: Claimed): number {
  return Math.min(BEHIND_MS.first * 2 ** Math.min(attempt - 1, 20), BEHIND_MS.most);
}

/** Something of ours: tried again later. */
function broken(claimed: Claimed, error: unknown): Attempted {
  const systemErrors = claimed.systemErrors + 1;
  return ended('system_error', { ...later(claimed, backOffMs(systemErrors)), systemErrors }, (error as Error).message);
}

/** Which trigger a delivery is a batch of; null when it is none. */
function triggerOf({ source, orderKey, destination }: Claimed): BatchOrder | null {
  return source !== 'database' || orderKey === null || destination !== undefined ? null : triggerOfBatch(orderKey);
}

/**
 * Gives a batch whose mapping was moved to another function to that one, with all that is not finished of the trigger. The stream does so before it goes on;
 * here, when it can't go on now: the function of before may be gone. What is driven again later goes there, too.
 */
async function isReaddressed(deps: BatchTargetDeps, claimed: Claimed): Promise<boolean> {
  const order = triggerOf(claimed);
  const owner = order === null ? null : deps.owner(order.id);
  if (order === null || owner === null) return false;
  if (owner.functionId === claimed.functionId && owner.qualifier === claimed.qualifier) return false;
  await deps.store.readdress(order.prefix, owner);
  return true;
}

/** Null: none; `gone`: there was one. */
function contractOf(deps: BatchTargetDeps, claimed: Claimed): BatchContract | 'gone' | null {
  const order = triggerOf(claimed);
  if (order === null) return null;
  const { id, mapped } = order;
  return deps.contract(id) ?? (mapped ? 'gone' : null);
}

async function attempt(deps: BatchTargetDeps, batch: Batch): Promise<Attempted> {
  const { claimed, contract, records } = batch;
  let progress = await begun(deps, batch);
  const olds = oldOnes(progress, batch, deps.clock.now());
  if (olds > 0) progress = await noted(deps, batch, { step: afterAging(progress, olds), condition: 'RecordAgeExceeded', response: null });
  const [segment] = progress.open;
  if (segment === undefined) return finished(batch, { progress, last: null });
  const open = records.slice(segment.from, segment.to);
  const payload = open.length === records.length ? claimed.payload : Buffer.from(JSON.stringify({ Records: open }));
  const done = await deps.functions.attempt({ ...claimed, payload });
  if (done.response === null) return unreached(claimed, done);
  const failing = done.outcome === 'ok' ? reported(done.response.body, open, contract) : 0;
  const step = afterRun(progress, failing === null ? null : segment.from + failing, contract);
  progress = await noted(deps, batch, { step, condition: 'RetryAttemptsExhausted', response: done.response });
  const part = { ...done, message: [partText(batch, segment), done.message].filter((t) => t !== '').join(': ') };
  if (progress.open.length === 0) return finished(batch, { progress, last: part });
  const functionErrors = claimed.functionErrors + (failing === null ? 0 : 1);
  const outcome = failing === null ? 'ok' : 'function_error';
  return { ...part, outcome, next: { kind: 'again', delayMs: step.delayMs, functionErrors, systemErrors: 0 } };
}

/** What is open when an attempt begins: what was given up, of a batch that is driven again. */
async function begun({ store }: BatchTargetDeps, { claimed, records }: Batch): Promise<Progress> {
  const known = claimed.attempt === 1 ? null : await store.load(claimed.seq);
  if (known === null) return wholeBatch(records.length);
  return known.open.length > 0 ? known : { open: known.given.map((s) => ({ ...s, tries: 0 })), given: [] };
}

function oldOnes(progress: Progress, { contract, records }: Batch, nowMs: number): number {
  const [segment] = progress.open;
  const { maxRecordAgeMs } = contract;
  if (segment === undefined || maxRecordAgeMs === null) return 0;
  const open = records.slice(segment.from, segment.to);
  const young = open.findIndex((record) => nowMs - record.source.ts_ms <= maxRecordAgeMs);
  return young < 0 ? open.length : young;
}

/** Which of the records that were given failed first; null: none. What can't be read, or names none of them, is the failure of all. */
function reported(answer: Buffer, open: readonly BatchRecord[], contract: BatchContract): number | null {
  if (!contract.reportsFailures) return null;
  const failed = failedItems(
    answer,
    open.map((r) => r.eventID),
  );
  const first = open.findIndex((r) => failed.has(r.eventID));
  return first < 0 ? null : first;
}

/** Tells of what was given up, then remembers how far the batch is. */
async function noted(
  { store, intake, discard }: BatchTargetDeps,
  { claimed, contract, records }: Batch,
  ran: { step: Step; condition: DiscardFacts['condition']; response: DiscardFacts['response'] },
): Promise<Progress> {
  const { step, condition, response } = ran;
  const { discarded, progress } = step;
  if (discarded !== null && contract.onFailure !== null) {
    const delivery = discard(claimed, contract.onFailure, {
      requestId: claimed.requestId,
      condition,
      invokeCount: discarded.tries,
      response,
      streamArn: claimed.sourceArn,
      shard: triggerOfBatch(claimed.orderKey ?? '').shard,
      records: records.slice(discarded.from, discarded.to),
    });
    await intake.accept([delivery]);
  }
  const untouched = progress.open.length === 0 && progress.given.length === 0;
  if (!untouched || claimed.attempt > 1) await store.save(claimed.seq, untouched ? null : progress);
  return progress;
}

/** Nothing is open any more: it went well, or some of it was given up. */
function finished({ records }: Batch, { progress, last }: { progress: Progress; last: Attempted | null }): Attempted {
  const given = progress.given.reduce((sum, s) => sum + s.to - s.from, 0);
  if (given === 0) return { ...(last ?? ended('ok', { kind: 'succeeded' }, '')), next: { kind: 'succeeded' } };
  const aged = last === null;
  const next = { kind: 'failed', reason: aged ? 'EventAgeExceeded' : 'RetriesExhausted' } as const;
  const message = `${given} of ${records.length} records were given up${last === null || last.message === '' ? '' : `; ${last.message}`}`;
  return { ...(last ?? ended('not_tried', next, message)), message: message.slice(0, 1_000), next };
}

/** A limit, something of ours, or a function that is gone. What would be no different another time ends it. */
function unreached(claimed: Claimed, done: Attempted): Attempted {
  const { givenUp } = done;
  // No instances are allowed at the moment: as Lambda's pollers, it waits.
  if (givenUp !== undefined && givenUp !== 'ZeroReservedConcurrency') return { ...done, next: { kind: 'failed', reason: givenUp } };
  const systemErrors = claimed.systemErrors + 1;
  return {
    ...done,
    outcome: givenUp === undefined ? done.outcome : 'throttled',
    next: { ...later(claimed, backOffMs(systemErrors)), systemErrors },
  };
}

function partText({ records }: Batch, { from, to }: { readonly from: number; readonly to: number }): string {
  return to - from === records.length ? '' : `records ${from + 1} to ${to} of ${records.length}`;
}

function later({ functionErrors, systemErrors }: Claimed, delayMs: number): NextStep & { kind: 'again' } {
  return { kind: 'again', delayMs, functionErrors, systemErrors };
}

function ended(outcome: Attempted['outcome'], next: NextStep, message: string): Attempted {
  return { outcome, errorType: outcome === 'ok' ? '' : next.kind === 'failed' ? next.reason : outcome, message, response: null, next };
}
