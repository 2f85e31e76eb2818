import { HearthError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { lineageOf, lineageText, MOST_HOPS, nextHop, withLineage } from '../model/lineage.ts';
import { traceOf } from '../model/trace.ts';

/** What is known of chains of invocations. */
export interface Chains {
  /** Whether a key is the one that functions have: what is signed with it comes from a function. */
  readonly ofFunctions: (accessKeyId: string | null) => boolean;
  /** Whether a function may be invoked in a loop. */
  readonly mayLoop: (functionId: string) => boolean;
}

/** A synchronous invocation that was asked for. */
interface Asked {
  readonly functionId: string;
  readonly requestId: string;
  /** The trace header that it came with; '' for none. */
  readonly traceId: string;
  readonly clock: Clock;
  /** Whose key signed it; null: not known. */
  readonly accessKeyId: string | null;
}

/** Where an invocation is in its chain, and the trace header that says so to whatever the function calls. */
interface Place {
  readonly lineage: string;
  readonly traceId: string;
}

/**
 * The place of a synchronous invocation: one hop further than the function that asked for it, which AWS's SDKs say in the trace header; the first of a
 * chain where a function asks that says nothing. What others ask for is in none, and costs nothing. Throws RecursiveInvocationException, as Lambda
 * does, for what would be the 17th hop, unless the function may loop.
 */
export function placeOf(asked: Asked, chains: Chains): Place {
  const { traceId, requestId } = asked;
  const lineage = lineageOf(traceId);
  if (lineage === '' && !chains.ofFunctions(asked.accessKeyId)) return { lineage, traceId };
  const hop = nextHop(lineage, requestId);
  if (hop.hops > MOST_HOPS && !chains.mayLoop(asked.functionId))
    throw new HearthError(
      'RecursiveInvocationException',
      `Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your function's invocation. (Step ${hop.hops} of the chain ${hop.chain}; PutFunctionRecursionConfig or \`recursiveLoop: allow\` allows it.)`,
    );
  const own = lineageText(hop);
  return { lineage: own, traceId: withLineage(traceOf({ traceId, requestId, occurredAtMs: asked.clock.now() }), own) };
}
