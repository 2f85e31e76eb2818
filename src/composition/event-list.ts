import type { EventPage, Events } from '../control/own/events.ts';
import type { DeliveryCounts, DeliveryFilter, DeliverySummary, QueueFeed } from '../model/delivery-view.ts';
import type { DeliveryBook } from '../store/delivery-book.ts';
import type { MessageBook } from '../store/message-book.ts';

interface Parts {
  readonly deliveries: DeliveryBook;
  readonly messages: MessageBook;
  /** Which queues feed which functions, as it is now. */
  readonly feeds: () => readonly QueueFeed[];
}

/** A message that comes into the ledger between the two looks, of which that at the queues is the first, is there twice rather than not at all: once, then. */
function unlike(known: readonly DeliverySummary[]): (message: DeliverySummary) => boolean {
  const ids = new Set(known.map((k) => `${k.functionId} ${k.eventId}`));
  return (message) => !ids.has(`${message.functionId} ${message.eventId}`);
}

/** The ledger as it is shown: its deliveries, and the messages of queues that feed functions, which are in their queue until a function was given them. */
export function eventList({ deliveries, messages, feeds }: Parts): Pick<Events, 'list' | 'find' | 'counts' | 'redrive'> {
  return {
    list: (filter, page) => list({ deliveries, messages, feeds }, filter, page),
    async find(id) {
      const waiting = await messages.find(feeds(), id);
      const known = await deliveries.find(id);
      return [...known, ...waiting.filter(unlike(known))];
    },
    async counts() {
      const waiting = await messages.counts(feeds());
      return merged([...(await deliveries.counts()), ...waiting]);
    },
    redrive: (filter) => deliveries.redrive(filter),
  };
}

/** Where a page ended: the last delivery and the last message of it, each a number or ''. */
function cursorOf(before: string | undefined): { delivery: string; message: string } {
  const [delivery = '', message = ''] = (before ?? '').split('-');
  return { delivery, message };
}

async function list(
  { deliveries, messages, feeds }: Parts,
  filter: DeliveryFilter,
  { limit, before }: { readonly limit: number; readonly before?: string | undefined },
): Promise<EventPage> {
  const from = cursorOf(before);
  const unseen = await messages.list(feeds(), filter, { limit, beforeSeq: from.message || undefined });
  const known = await deliveries.list(filter, { limit, beforeSeq: from.delivery || undefined });
  const waiting = unseen.filter(unlike(known));
  const events: DeliverySummary[] = [];
  let [d, m] = [0, 0];
  while (events.length < limit) {
    const [delivery, message] = [known[d], waiting[m]];
    if (delivery === undefined && message === undefined) return { events, next: null };
    const isMessage = delivery === undefined || (message !== undefined && message.acceptedAtMs > delivery.acceptedAtMs);
    const taken = isMessage ? message : delivery;
    if (taken !== undefined) events.push(taken);
    if (isMessage) m++;
    else d++;
  }
  const delivery = d === 0 ? from.delivery : (known[d - 1]?.seq ?? '');
  const message = m === 0 ? from.message : (waiting[m - 1]?.seq ?? '');
  return { events, next: message === '' ? delivery : `${delivery}-${message}` };
}

/** One line for each function and state. */
function merged(counts: readonly DeliveryCounts[]): DeliveryCounts[] {
  const by = new Map<string, DeliveryCounts>();
  for (const c of counts) {
    const key = `${c.functionId} ${c.state}`;
    const other = by.get(key);
    by.set(key, other === undefined ? c : { ...c, count: c.count + other.count, oldestAtMs: Math.min(c.oldestAtMs, other.oldestAtMs) });
  }
  return [...by.values()];
}
