import type { Clock } from '../../lib/clock.ts';
import type { NewDelivery } from '../../model/delivery.ts';
import { parseDestination } from '../../model/destination.ts';
import { functionArn, type FunctionVersion } from '../../model/function-version.ts';
import { lineageText, nextHop } from '../../model/lineage.ts';
import type { Attempted } from './attempt.ts';
import type { FunctionLookup } from './function-target.ts';
import type { Claimed, NextStep } from './ledger.ts';
import { traceOf } from './trace.ts';
import { outcomeRecord } from './policies/outcome-record.ts';

export interface OutcomeDeps {
  readonly functions: FunctionLookup;
  /** Functions by name; null when there is none of it. */
  readonly named: (name: string) => FunctionVersion | null;
  readonly clock: Clock;
  readonly scope: { readonly accountId: string; readonly region: string };
}

/** The deliveries that the end of one makes: what its function's configuration wants told, to whom. None while it is to be tried again. */
export function outcomesOf(deps: OutcomeDeps, claimed: Claimed, ended: { attempted: Attempted; next: NextStep }): NewDelivery[] {
  const { attempted, next } = ended;
  if (next.kind === 'again' || claimed.destination !== undefined) return [];
  const config = deps.functions.config(claimed.functionId, claimed.qualifier);
  const address = (next.kind === 'succeeded' ? config?.onSuccess : config?.onFailure) ?? null;
  if (address === null) return [];
  const version = deps.functions.version(claimed.functionId, claimed.qualifier);
  const name = version === null ? claimed.functionId : version.name;
  const arn = functionArn({ ...deps.scope, name });
  const payload = outcomeRecord({
    nowMs: deps.clock.now(),
    requestId: claimed.requestId,
    functionArn: `${arn}:${claimed.qualifier ?? '$LATEST'}`,
    condition: next.kind === 'succeeded' ? 'Success' : next.reason,
    invokeCount: claimed.functionErrors + (attempted.response === null ? 0 : 1),
    requestPayload: claimed.payload,
    response: attempted.response,
  });
  const base = {
    id: `${claimed.requestId}:${claimed.attempt}:${next.kind}`,
    source: 'destination' as const,
    sourceArn: arn,
    subject: claimed.subject,
    orderKey: null,
    payload,
    // The hop of the invocation that ended: a destination that comes back to its function is a loop too.
    lineage: lineageText(nextHop(claimed.lineage, claimed.requestId.slice(0, 8))),
    traceId: traceOf(claimed),
    occurredAtMs: deps.clock.now(),
  };
  const destination = parseDestination(address);
  if (destination.kind !== 'function') return [{ ...base, functionId: claimed.functionId, qualifier: claimed.qualifier, destination }];
  const target = deps.named(destination.name);
  return target === null ? [] : [{ ...base, functionId: target.functionId, qualifier: destination.qualifier }];
}
