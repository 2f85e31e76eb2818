import type { FastifyInstance } from 'fastify';
import { HearthError } from '../../errors.ts';
import { explanation, type Explanation } from '../../metering/explain/explanation.ts';
import type { UsageRecord } from '../../model/usage.ts';
import { checkedName, wholeNumber, type OwnDeps } from './api.ts';

type Query = Record<string, unknown>;

const MOST = 1_000;
const SHOWN = 20;
const LONGEST_ID = 512;

/** Where the time of invocations went. */
export function invocationResources(app: FastifyInstance, deps: OwnDeps): void {
  app.get<{ Params: { requestId: string }; Querystring: Query }>('/hearth/v1/invocations/:requestId', async (request) => {
    const { requestId } = request.params;
    const records = requestId.length > LONGEST_ID || requestId.includes('\u0000') ? [] : await deps.platform.attempts(requestId);
    const wanted = wholeNumber(request.query, 'attempt');
    const record = wanted === undefined ? records.at(-1) : records.find((r) => r.attempt === wanted);
    if (record === undefined) throw unknown(requestId, records.length);
    return explained(record, records.length, deps);
  });

  app.get<{ Querystring: Query }>('/hearth/v1/invocations', async (request) => {
    const name = request.query['function'];
    const records = await deps.platform.usageRecords({
      ...(name === undefined ? {} : { functionName: checkedName(name) }),
      limit: Math.min(wholeNumber(request.query, 'limit') ?? SHOWN, MOST),
      coldOnly: wholeNumber(request.query, 'cold') === 1,
    });
    return { invocations: records.map((record) => explained(record, record.attempt, deps)) };
  });
}

function explained(record: UsageRecord, attempts: number, deps: OwnDeps): Explanation {
  const version = deps.registry.get(record.functionName, record.version);
  // One of that name that was made later says nothing of it.
  return explanation(record, attempts, version?.functionId === record.functionId ? version : null);
}

function unknown(requestId: string, attempts: number): HearthError {
  const what = attempts === 0 ? `No invocation ${requestId} is known` : `Invocation ${requestId} has no such attempt`;
  return new HearthError(
    'ResourceNotFoundException',
    `${what}; one that still runs is known when it has ended, one that was refused (429) leaves nothing, and of days longer ago than metering.keepDays only the sums are kept.`,
  );
}
