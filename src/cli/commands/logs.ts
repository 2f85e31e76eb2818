import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { logPrinter } from '../log-lines.ts';

export interface LogsOptions extends EndpointOptions {
  readonly follow?: boolean;
  readonly since?: number;
  readonly tail?: number;
  readonly json?: boolean;
}

/** `hearth logs`: what functions printed; with `-f` also what they are going to, until Ctrl-C. */
export async function logs(context: Context, name: string | undefined, options: LogsOptions): Promise<ExitCode> {
  const signal = options.follow ? context.interrupted() : undefined;
  const print = logPrinter(context, name === undefined);
  const sinceMs = options.since === undefined ? undefined : Math.floor(context.clock.now() - options.since);
  const tail = options.tail ?? (sinceMs === undefined ? 100 : undefined);
  return withClient(context, options, async (client) => {
    try {
      for await (const line of client.logs({ functionName: name, sinceMs, tail, follow: options.follow === true, signal })) {
        if (options.json) context.out.json(line);
        else print(line);
      }
    } catch (error) {
      if (signal?.aborted) return EXIT.ok;
      throw error;
    }
    if (!options.follow || signal?.aborted) return EXIT.ok;
    throw new CliError('the server ended the stream', { fix: 'is it still up? `hearth status`', exitCode: EXIT.unreachable });
  });
}
