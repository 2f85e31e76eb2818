import type { Dispatched, Dispatcher } from '../../dispatch/dispatcher.ts';
import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { errorMessage } from '../../model/error-document.ts';
import { EVENT_DEFAULTS, type EventInvokeConfig } from '../../model/event-invoke-config.ts';
import { functionArn, type FunctionVersion } from '../../model/function-version.ts';
import { lineageText, MOST_HOPS, nextHop, withLineage } from '../../model/lineage.ts';
import { notTried, type Attempted, type Target } from './attempt.ts';
import type { Claimed } from './ledger.ts';
import { traceOf } from '../../model/trace.ts';

/** Functions by their ids, as they are now. */
export interface FunctionLookup {
  /** The version that a qualifier means at this moment; null when there is none (any more). */
  version(functionId: string, qualifier: string | null): FunctionVersion | null;
  /** What its owner says of asynchronous invocations; null when nothing. */
  config(functionId: string, qualifier: string | null): EventInvokeConfig | null;
  /** Whether its owner lets chains of events go on through it without end. */
  mayLoop(functionId: string): boolean;
}

export interface FunctionTargetDeps {
  readonly dispatcher: Pick<Dispatcher, 'invoke'>;
  readonly functions: FunctionLookup;
  readonly clock: Clock;
  /** Most deliveries of one function that run at once. */
  readonly perFunction: number;
}

const MESSAGE_LENGTH = 1_000;

/** Runs deliveries as asynchronous invocations of their functions. */
export function functionTarget(deps: FunctionTargetDeps): Target {
  const { functions, perFunction } = deps;
  return {
    most(lane) {
      const scaling = functions.version(lane, null)?.scaling;
      return scaling === undefined || scaling.max === null ? perFunction : Math.min(perFunction, scaling.max * scaling.concurrency);
    },
    limits(claimed) {
      const config = functions.config(claimed.functionId, claimed.qualifier);
      return {
        retries: config?.maximumRetryAttempts ?? EVENT_DEFAULTS.maximumRetryAttempts,
        maxAgeMs: (config?.maximumEventAgeSeconds ?? EVENT_DEFAULTS.maximumEventAgeSeconds) * 1_000,
      };
    },
    attempt: (claimed) => attempt(deps, claimed),
  };
}

async function attempt(deps: FunctionTargetDeps, claimed: Claimed): Promise<Attempted> {
  const version = deps.functions.version(claimed.functionId, claimed.qualifier);
  if (version === null)
    return notTried('FunctionGone', 'The function, or the version or alias that was asked for, does not exist any more.');
  if (version.scaling.max === 0)
    return notTried('ZeroReservedConcurrency', 'The function may have no instances (its reserved concurrency is 0).');
  const hop = nextHop(claimed.lineage, claimed.requestId);
  if (hop.hops > MOST_HOPS && !deps.functions.mayLoop(claimed.functionId)) {
    const message = `Stopped: this would be step ${hop.hops} of the chain of events ${hop.chain}, and a chain may have ${MOST_HOPS}. It looks like a loop; allow it for the function if it is meant (recursiveLoop: allow).`;
    return notTried('LoopStopped', message);
  }
  const lineage = lineageText(hop);
  const invocation = {
    requestId: claimed.requestId,
    attempt: claimed.attempt,
    body: claimed.payload,
    invokedArn: functionArn(version) + (claimed.qualifier === null ? '' : `:${claimed.qualifier}`),
    traceId: withLineage(traceOf(claimed), lineage),
    clientContext: claimed.clientContext,
    lineage,
    receivedAtMs: deps.clock.monotonic(),
  };
  try {
    return answered(await deps.dispatcher.invoke(version, invocation));
  } catch (error) {
    return unreached(error);
  }
}

function answered(done: Dispatched): Attempted {
  const response = { body: done.body, executedVersion: done.executedVersion, functionError: done.error?.kind ?? null };
  if (done.error === null) return { outcome: 'ok', errorType: '', message: '', response };
  return { outcome: 'function_error', errorType: done.error.errorType, message: errorMessage(done.body), response };
}

/** A limit, or something of ours. */
function unreached(error: unknown): Attempted {
  const throttled = error instanceof HearthError && error.code === 'TooManyRequestsException';
  const errorType = error instanceof HearthError ? error.code : 'ServiceException';
  const message = (error instanceof Error ? error.message : String(error)).slice(0, MESSAGE_LENGTH);
  return { outcome: throttled ? 'throttled' : 'system_error', errorType, message, response: null };
}
