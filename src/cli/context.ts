import { HearthClient } from '../client/client.ts';
import type { Clock } from '../lib/clock.ts';
import { keyFor } from './key.ts';
import { resolveEndpoint } from './endpoint.ts';
import type { Output } from './output.ts';

/** All that a command knows of the world it runs in. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly out: Output;
  readonly stdin: NodeJS.ReadStream;
  /**
   * From the first call on, SIGINT and SIGTERM abort the signal instead of ending the process; a second one ends it
   * at once with exit code 130.
   */
  interrupted(): AbortSignal;
}

/** Options that every command which talks to a server has. */
export interface EndpointOptions {
  readonly endpoint?: string;
}

/** Runs `work` with a client of the server that the options, the environment or the status file name. */
export async function withClient<T>(context: Context, options: EndpointOptions, work: (client: HearthClient) => Promise<T>): Promise<T> {
  const client = new HearthClient(await resolveEndpoint(context.env, options.endpoint), keyFor(context.env));
  try {
    return await work(client);
  } finally {
    client.close();
  }
}
