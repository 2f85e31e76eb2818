import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { HearthError } from '../../errors.ts';
import type { DeliveryDetail, DeliveryFilter, DeliverySummary } from '../../model/delivery-view.ts';
import { explain } from '../../model/manifest-errors.ts';
import { functionNamed, wholeNumber, type OwnDeps } from './api.ts';

const PAGE = { usual: 50, most: 1_000 };

const states = z.enum(['waiting', 'held', 'ready', 'running', 'succeeded', 'failed']);
const sources = z.enum(['async', 'objects', 'database', 'schedule', 'queue', 'events', 'destination']);
const times = z.int().nonnegative();

const listQuery = z.object({
  state: states.optional(),
  source: sources.optional(),
  prefix: z.string().max(2_048).optional(),
  before: z
    .string()
    .regex(/^\d{0,18}(?:-\d{1,18})?$/, { error: 'the `next` of the page before' })
    .optional(),
});

const redriveBody = z
  .strictObject({
    event: z.string().min(1).optional(),
    function: z.string().optional(),
    state: z.enum(['failed', 'succeeded', 'finished']).default('failed'),
    source: sources.optional(),
    prefix: z.string().max(2_048).optional(),
    fromMs: times.optional(),
    toMs: times.optional(),
  })
  .refine((b) => b.state === 'failed' || b.event !== undefined || b.fromMs !== undefined || b.prefix !== undefined, {
    error: 'say which of those that went well: event, prefix or fromMs',
  });

/** The ledger of deliveries: what happened to each event. */
export function eventResources(app: FastifyInstance, deps: OwnDeps): void {
  app.get<{ Querystring: Record<string, unknown> }>('/hearth/v1/events', async (request) => {
    const { query } = request;
    const { state, source, prefix, before } = explain(listQuery, query);
    const filter: DeliveryFilter = {
      state,
      source,
      prefix,
      functionId: functionIn(query, deps),
      fromMs: wholeNumber(query, 'from'),
      toMs: wholeNumber(query, 'to'),
    };
    const limit = Math.min(Math.max(wholeNumber(query, 'limit') ?? PAGE.usual, 1), PAGE.most);
    const { events, next } = await deps.events.list(filter, { limit, before });
    return { events: events.map((e) => shown(e, deps)), next };
  });

  app.get('/hearth/v1/events/counts', async () => ({
    counts: (await deps.events.counts()).map((c) => ({ function: deps.events.nameOf(c.functionId) ?? c.functionId, ...c })),
  }));

  app.get<{ Params: { id: string } }>('/hearth/v1/events/:id', async (request) => {
    const found = await deps.events.find(request.params.id);
    if (found.length === 0) throw unknown(request.params.id);
    return { deliveries: found.map((d) => detailed(d, deps)) };
  });

  app.post('/hearth/v1/events/redrive', async (request) => {
    const { function: name, state, ...rest } = explain(redriveBody, request.body ?? {});
    const functionId = name === undefined ? undefined : functionNamed(deps, name).functionId;
    const redriven = await deps.events.redrive({
      ...rest,
      functionId,
      state: state === 'finished' || rest.event !== undefined ? undefined : state,
    });
    if (rest.event !== undefined && redriven === 0 && (await deps.events.find(rest.event)).length === 0) throw unknown(rest.event);
    return { redriven };
  });
}

function functionIn(query: Readonly<Record<string, unknown>>, deps: OwnDeps): string | undefined {
  const name = query['function'];
  return name === undefined ? undefined : functionNamed(deps, name).functionId;
}

function shown(event: DeliverySummary, deps: OwnDeps): Record<string, unknown> {
  return { function: deps.events.nameOf(event.functionId), ...event };
}

function detailed({ payload, ...rest }: DeliveryDetail, deps: OwnDeps): Record<string, unknown> {
  return { ...shown(rest, deps), payload: payload.toString() };
}

function unknown(id: string): HearthError {
  return new HearthError('ResourceNotFoundException', `There is no event ${id} in the ledger; it may have been removed after its time.`);
}
