import type { AsyncManifest } from '../../model/async-manifest.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import type { DeliveryCounts, DeliveryDetail, DeliveryFilter, DeliverySummary } from '../../model/delivery-view.ts';

/** A page of events; `next` is null when it was the last. */
export interface EventPage {
  readonly events: readonly DeliverySummary[];
  readonly next: string | null;
}

/** What Hearth's own API asks of the ledger of deliveries; the composition root satisfies it. */
export interface Events {
  /** Newest first, messages that wait in queues of functions included; what follows a page when its `next` is given as `before`. */
  list(filter: DeliveryFilter, page: { readonly limit: number; readonly before?: string | undefined }): Promise<EventPage>;
  /** Those of an event, one for each target. */
  find(eventId: string): Promise<DeliveryDetail[]>;
  counts(): Promise<DeliveryCounts[]>;
  /** Queues finished deliveries again; returns how many. */
  redrive(filter: DeliveryFilter & { readonly event?: string | undefined }): Promise<number>;
  /** Makes of asynchronous invocations of a function what its manifest says; null: nothing. */
  configure(version: FunctionVersion, manifest: AsyncManifest | null): Promise<void>;
  /** A function's name; null when it is gone. */
  nameOf(functionId: string): string | null;
}
