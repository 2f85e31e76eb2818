import type { BenchContext } from '../bench.ts';
import { BenchHearth } from '../hearth.ts';
import { round } from '../stats.ts';
import { LedgerView, sendWhile } from './flow.ts';

const SENT = 1_000;

export interface Recovery {
  /** From the kill until the server took requests again, and until all that was acknowledged had run. */
  readonly servingSeconds: number;
  readonly recoverySeconds: number;
  readonly lost: number;
}

/** kill -9 of the server right after a thousand events were acknowledged, and what becomes of them. The function `echo` must be deployed. */
export async function measureRecovery(hearth: BenchHearth, { releases, tell }: BenchContext): Promise<Recovery> {
  tell('kill -9 with events under way');
  const { pid } = await hearth.client.status();
  const ids = await sendWhile(hearth, (sent) => sent < SENT);
  process.kill(pid, 'SIGKILL');
  const from = Date.now();
  await hearth.stop();
  const again = await BenchHearth.start(releases, hearth.home);
  const servingSeconds = (Date.now() - from) / 1_000;
  const ledger = await LedgerView.open(again, releases);
  const lastMs = await ledger.settled();
  const succeeded = await ledger.succeeded();
  await again.stop();
  return {
    servingSeconds: round(servingSeconds, 2),
    recoverySeconds: round((Math.max(lastMs, from) - from) / 1_000, 2),
    lost: ids.filter((id) => !succeeded.has(id)).length,
  };
}
