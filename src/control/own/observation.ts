import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { HearthError } from '../../errors.ts';
import { explain } from '../../model/manifest-errors.ts';
import { endpointOf } from '../endpoint.ts';
import { checkedName, functionNamed, wholeNumber, type OwnDeps } from './api.ts';
import type { UsageQuery } from './platform.ts';

type Query = { Querystring: Record<string, unknown> };

const evictBody = z.strictObject({ to: z.enum(['snapshot', 'zygote', 'disk']) });
const MOST_RECORDS = 10_000;
const RECORDS = 100;
const MOST_LOOK_SECONDS = 300;

/** What runs, what it used, and how to end it. */
export function observationResources(app: FastifyInstance, deps: OwnDeps): void {
  app.get('/hearth/v1/status', async (request) => deps.platform.status(endpointOf(request)));

  app.get<Query>('/hearth/v1/lag', (request) => deps.platform.lag(lookMs(request.query)));

  app.get<Query>('/hearth/v1/instances', (request) => {
    const name = request.query['function'];
    return deps.platform.resident(name === undefined ? null : functionNamed(deps, name).name);
  });

  app.post<{ Params: { name: string } }>('/hearth/v1/functions/:name/evict', (request) => {
    const version = functionNamed(deps, request.params.name);
    return deps.platform.evict(version, explain(evictBody, request.body).to);
  });

  app.get<Query>('/hearth/v1/usage', async (request) => {
    const query: UsageQuery = {
      ...functionIn(request.query),
      fromMs: wholeNumber(request.query, 'from') ?? null,
      // What is still to come is no time in which a machine would have been kept on.
      toMs: Math.min(wholeNumber(request.query, 'to') ?? Infinity, deps.clock.now()),
    };
    const usage = await deps.platform.usage(query);
    if (usage.functions.length === 0) knownIn(query, deps);
    return usage;
  });

  app.get<Query>('/hearth/v1/usage/records', async (request) => {
    const limit = Math.min(wholeNumber(request.query, 'limit') ?? RECORDS, MOST_RECORDS);
    const query = { ...functionIn(request.query), limit };
    const records = await deps.platform.usageRecords(query);
    if (records.length === 0) knownIn(query, deps);
    return { records };
  });
}

/** How long to look, from `seconds`. Throws InvalidParameterValueException. */
function lookMs(query: Readonly<Record<string, unknown>>): number {
  const seconds = wholeNumber(query, 'seconds') ?? 1;
  if (seconds >= 1 && seconds <= MOST_LOOK_SECONDS) return seconds * 1000;
  throw new HearthError('InvalidParameterValueException', `seconds must be from 1 to ${MOST_LOOK_SECONDS}, not ${seconds}`);
}

/** Throws ResourceNotFoundException for a function that is not there and left nothing, either. */
function knownIn({ functionName }: { readonly functionName?: string }, deps: OwnDeps): void {
  if (functionName !== undefined) functionNamed(deps, functionName);
}

/** Usage outlives functions, so the name need not be one that is there. */
function functionIn(query: Readonly<Record<string, unknown>>): { functionName?: string } {
  const name = query['function'];
  return name === undefined ? {} : { functionName: checkedName(name) };
}
