/** What the demo measures, each step one function. */
import { setTimeout as sleep } from 'node:timers/promises';

const NAME = 'detect';
const POLL_MS = 15;

const instancesOf = async (api) => (await api.get(`/hearth/v1/instances?function=${NAME}`)).instances;

/** Waits until no instance is left. The snapshot stays: that is what the next first call starts from. */
export async function scaleToZero(api, patienceMs = 15_000) {
  const startedAt = performance.now();
  while ((await instancesOf(api)).length > 0) {
    if (performance.now() - startedAt > patienceMs) throw new Error(`${NAME} still has instances after ${patienceMs / 1000} s`);
    await sleep(50);
  }
  return (performance.now() - startedAt) / 1000;
}

export const evict = (api, to) => api.post(`/hearth/v1/functions/${NAME}/evict`, { to });

/** A call when nothing is running. */
export async function coldCall(api, payload) {
  const call = await api.invoke(NAME, payload);
  if (call.rung === null || call.rung === 'warm') throw new Error('the first call was not a cold start');
  return call;
}

/** Calls one after the other; the one whose time is the median. */
export async function warmCalls(api, payload, count) {
  const calls = [];
  for (let i = 0; i < count; i++) calls.push(await api.invoke(NAME, payload));
  return calls.toSorted((a, b) => a.ms - b.ms)[Math.floor(count / 2)];
}

/** Many calls at once, looking at the instances meanwhile. */
export async function burst(api, payload, count, onChange) {
  let [peak, done] = [0, 0];
  const startedAt = performance.now();
  const calls = Array.from({ length: count }, () => api.invoke(NAME, payload).finally(() => done++));
  const all = Promise.all(calls);
  const watching = (async () => {
    while (done < count) {
      const now = (await instancesOf(api)).length;
      peak = Math.max(peak, now);
      onChange({ instances: now, done });
      await sleep(POLL_MS);
    }
  })();
  const [results] = await Promise.all([all, watching]);
  onChange({ instances: peak, done });
  return {
    peak,
    seconds: (performance.now() - startedAt) / 1000,
    coldStarts: results.filter((r) => r.rung !== null && r.rung !== 'warm').length,
  };
}

/** What all of it cost, once the records have been written. */
export async function bill(api, sinceMs, invocations) {
  for (let tries = 0; ; tries++) {
    const usage = await api.get(`/hearth/v1/usage?function=${NAME}&from=${sinceMs}`);
    if (usage.total.invocations >= invocations || tries === 100) return usage;
    await sleep(50);
  }
}
