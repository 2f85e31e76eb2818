import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DeliverySummary } from '../model/delivery-view.ts';
import { eventList } from './event-list.ts';

type Seen = { readonly seq: string; readonly eventId: string; readonly acceptedAtMs: number; readonly functionId: string };

/** Something of which pages are asked, the newest first. */
function book(ids: readonly [id: string, atMs: number][]) {
  const all: Seen[] = ids.map(([eventId, acceptedAtMs], n) => ({ seq: String(n + 1), eventId, acceptedAtMs, functionId: 'f' }));
  return (limit: number, beforeSeq: string | undefined): DeliverySummary[] =>
    all
      .filter((e) => beforeSeq === undefined || Number(e.seq) < Number(beforeSeq))
      .toReversed()
      .slice(0, limit) as unknown as DeliverySummary[];
}

it('shows messages that wait among the deliveries, page by page, each once', async () => {
  const known = book([
    ['d1', 10],
    ['d2', 20],
    ['both', 30],
    ['d4', 40],
    ['d5', 50],
  ]);
  const waiting = book([
    ['m1', 5],
    ['m2', 35],
    ['both', 36],
    ['m4', 37],
    ['m5', 60],
  ]);
  const shown = eventList({
    feeds: () => [],
    deliveries: { list: async (_: unknown, p: { limit: number; beforeSeq?: string }) => known(p.limit, p.beforeSeq) } as never,
    messages: {
      list: async (...[, , p]: [unknown, unknown, { limit: number; beforeSeq?: string }]) => waiting(p.limit, p.beforeSeq),
    } as never,
  });
  for (const limit of [1, 2, 3, 4, 100]) {
    const seen: string[] = [];
    let before: string | undefined;
    do {
      const page = await shown.list({}, { limit, before });
      seen.push(...page.events.map((e) => e.eventId));
      before = page.next ?? undefined;
    } while (before !== undefined);
    assert.deepEqual([...new Set(seen)].sort(), ['both', 'd1', 'd2', 'd4', 'd5', 'm1', 'm2', 'm4', 'm5'], `pages of ${limit}`);
  }
  const all = await shown.list({}, { limit: 100 });
  assert.deepEqual(
    all.events.map((e) => e.eventId),
    ['m5', 'd5', 'd4', 'm4', 'm2', 'both', 'd2', 'd1', 'm1'],
  );
});
