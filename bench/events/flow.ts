import type { Client } from 'pg';
import { databaseClient } from '../../test/fixtures/app-database.ts';
import type { BenchHearth } from '../hearth.ts';
import { cpuSeconds, familyOf, programOf } from '../processes.ts';
import type { Releases } from '../releases.ts';

const EVENT = { message: 'hello', count: 3, nested: { list: [1, 2, 3] } };
export const SENDERS = 32;
const LOOK_MS = 50;

/** The ledger of a server, read beside it. */
export class LedgerView {
  readonly client: Client;

  private constructor(client: Client) {
    this.client = client;
  }

  static async open(hearth: BenchHearth, releases: Releases): Promise<LedgerView> {
    const client = await databaseClient(hearth.home, 'hearth');
    releases.add(() => client.end());
    return new LedgerView(client);
  }

  /** How many are waiting or running. */
  async unfinished(): Promise<number> {
    const { rows } = await this.client.query<{ count: number }>(
      "select ((select count(*) from hearth.delivery where state = 'ready') + (select count(*) from hearth.delivery where state = 'running'))::float8 as count",
    );
    return rows[0]?.count ?? 0;
  }

  /** Resolves when nothing waits or runs, with when the last one was finished, milliseconds since the epoch. */
  async settled(look: () => Promise<void> = async () => {}): Promise<number> {
    while ((await this.unfinished()) > 0) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    const { rows } = await this.client.query<{ ms: number }>(
      'select (extract(epoch from max(finished_at)) * 1000)::float8 as ms from hearth.delivery',
    );
    return rows[0]?.ms ?? 0;
  }

  /** Event ids of those that succeeded. */
  async succeeded(): Promise<Set<string>> {
    const { rows } = await this.client.query<{ event_id: string }>("select event_id from hearth.delivery where state = 'succeeded'");
    return new Set(rows.map((r) => r.event_id));
  }
}

/** Sends one asynchronous event; resolves with its id once it is acknowledged. */
async function send(hearth: BenchHearth, functionName: string, event: unknown): Promise<string> {
  const payload = Buffer.from(JSON.stringify(event));
  const { requestId } = await hearth.client.invoke({ functionName, payload, invocationType: 'Event' });
  return requestId ?? '';
}

/** Sends events by 32 at once while `more` says so; resolves with the ids of all that were acknowledged. */
export async function sendWhile(
  hearth: BenchHearth,
  more: (sent: number) => boolean,
  { functionName = 'echo', event = EVENT }: { functionName?: string; event?: unknown } = {},
): Promise<string[]> {
  const ids: string[] = [];
  let sent = 0;
  await Promise.all(
    Array.from({ length: SENDERS }, async () => {
      while (more(sent)) {
        sent++;
        ids.push(await send(hearth, functionName, event));
      }
    }),
  );
  return ids;
}

/** CPU time that programs have used so far, seconds. */
export interface CpuUse {
  readonly server: number;
  readonly postgres: number;
  readonly functions: number;
  /** The process that sends. */
  readonly sender: number;
}

/** CPU time of a server, of its PostgreSQL, and of what else it has started. Those that have gone count nothing. */
export async function cpuUse(serverPid: number): Promise<CpuUse> {
  const family = await familyOf(serverPid);
  const names = await Promise.all(family.map(programOf));
  const of = (wanted: (pid: number, name: string | undefined) => boolean): Promise<number> =>
    cpuSeconds(family.filter((pid, i) => wanted(pid, names[i])));
  const { user, system } = process.cpuUsage();
  return {
    server: await of((pid) => pid === serverPid),
    postgres: await of((_, name) => name === 'postgres'),
    functions: await of((pid, name) => pid !== serverPid && name !== 'postgres'),
    sender: (user + system) / 1e6,
  };
}

/** What was used between two looks, for each of `count` events, milliseconds. */
export function cpuMsEach(before: CpuUse, after: CpuUse, count: number): CpuUse {
  const each = (key: keyof CpuUse): number => ((after[key] - before[key]) * 1_000) / count;
  return { server: each('server'), postgres: each('postgres'), functions: each('functions'), sender: each('sender') };
}
