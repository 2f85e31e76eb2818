import type { AsyncManifest } from '../../model/async-manifest.ts';
import type { DeliveryDetail, DeliveryFilter } from '../../model/delivery-view.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import type { Events } from '../own/events.ts';

/** A ledger of what the test puts into `held`; remembers what it was asked. */
export class TestEvents implements Events {
  readonly held: DeliveryDetail[] = [];
  readonly filters: DeliveryFilter[] = [];
  readonly redrives: object[] = [];
  readonly configured: [string, AsyncManifest | null][] = [];

  async list(filter: DeliveryFilter, page: { readonly limit: number }): ReturnType<Events['list']> {
    this.filters.push(filter);
    const events = this.held.slice(0, page.limit);
    return { events, next: events.length === page.limit ? (events.at(-1)?.seq ?? null) : null };
  }

  async find(eventId: string): Promise<DeliveryDetail[]> {
    return this.held.filter((d) => d.eventId === eventId);
  }

  async counts(): ReturnType<Events['counts']> {
    return this.held.map((d) => ({ functionId: d.functionId, state: d.state, count: 1, oldestAtMs: d.acceptedAtMs }));
  }

  async redrive(filter: DeliveryFilter & { readonly event?: string | undefined }): Promise<number> {
    this.redrives.push(filter);
    return this.held.filter((d) => filter.event === undefined || d.eventId === filter.event).length;
  }

  async configure(version: FunctionVersion, manifest: AsyncManifest | null): Promise<void> {
    this.configured.push([version.name, manifest]);
  }

  nameOf(): string | null {
    return null;
  }
}
