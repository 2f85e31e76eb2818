import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { bytes, duration } from '../format.ts';

export interface StatusOptions extends EndpointOptions {
  readonly json?: boolean;
}

/** `hearth status`: the server, what it can run, and how it confines. */
export async function status(context: Context, options: StatusOptions): Promise<ExitCode> {
  return withClient(context, options, async (client) => {
    const s = await client.status();
    const { out } = context;
    if (options.json) {
      out.json(s);
      return EXIT.ok;
    }
    const rows: [string, string][] = [
      ['endpoint', s.endpoint],
      ['version', s.version],
      ['process', `${s.pid}, up ${duration(Math.max(0, context.clock.now() - s.startedAtMs))}`],
      ['state', s.home],
      ['database', s.database],
      ['instances', String(s.instances)],
      ['memory', `${bytes(s.memory.availableBytes)} available of ${bytes(s.memory.totalBytes)}`],
      ...s.runtimes.map((r, i): [string, string] => [i === 0 ? 'runtimes' : '', `${r.name} (${r.version}, ${r.path})`]),
      ...s.sandbox.map((m, i): [string, string] => [
        i === 0 ? 'sandbox' : '',
        `${m.active ? '+' : '-'} ${m.mechanism}${m.reason ? `: ${m.reason}` : ''}`,
      ]),
    ];
    for (const [name, value] of rows) out.line(`${out.paint('dim', name.padEnd(10))} ${value}`);
    return EXIT.ok;
  });
}
