import type { DeliverySummary } from '../model/delivery-view.ts';
import type { AttemptRecord } from '../model/delivery-outcome.ts';
import type { Request } from './connection.ts';

/** A delivery as the own API shows it; `function` is null when the function is gone. */
export type EventSummary = DeliverySummary & { readonly function: string | null };

export type EventDetail = EventSummary & {
  readonly lineage: string;
  readonly traceId: string;
  readonly history: readonly AttemptRecord[];
  readonly payload: string;
};

/** Which events; what is left out does not matter. */
export interface EventQuery {
  readonly functionName?: string | undefined;
  readonly state?: string | undefined;
  readonly source?: string | undefined;
  readonly prefix?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

/** The ledger of deliveries, over Hearth's own API. Throws as HearthClient does. */
export class EventsClient {
  readonly #json: <T>(request: Request) => Promise<T>;

  constructor(json: <T>(request: Request) => Promise<T>) {
    this.#json = json;
  }

  /** Newest first; `next` is what the following page is `before`, null at the end. */
  list(
    query: EventQuery & { readonly limit?: number; readonly before?: string },
  ): Promise<{ events: EventSummary[]; next: string | null }> {
    const { functionName, fromMs, toMs, ...rest } = query;
    const search = new URLSearchParams();
    for (const [key, value] of Object.entries({ ...rest, function: functionName, from: fromMs, to: toMs }))
      if (value !== undefined) search.set(key, String(value));
    return this.#json({ method: 'GET', path: `/hearth/v1/events?${search.toString()}` });
  }

  async show(eventId: string): Promise<readonly EventDetail[]> {
    const path = `/hearth/v1/events/${encodeURIComponent(eventId)}`;
    return (await this.#json<{ deliveries: EventDetail[] }>({ method: 'GET', path })).deliveries;
  }

  /** Queues finished events again; returns how many. */
  async redrive(query: EventQuery & { readonly event?: string | undefined }): Promise<number> {
    const { functionName, ...rest } = query;
    const body = Buffer.from(JSON.stringify({ ...rest, function: functionName }));
    const request = { method: 'POST', path: '/hearth/v1/events/redrive', headers: { 'content-type': 'application/json' }, body } as const;
    return (await this.#json<{ redriven: number }>(request)).redriven;
  }
}
