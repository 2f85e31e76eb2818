import type { EvictTo } from '../../client/answers.ts';
import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { count } from '../format.ts';

export interface EvictOptions extends EndpointOptions {
  readonly to: EvictTo;
  readonly json?: boolean;
}

/** `hearth evict`: ends what is resident of a function, so that the next start begins on that rung. */
export async function evict(context: Context, name: string, options: EvictOptions): Promise<ExitCode> {
  return withClient(context, options, async (client) => {
    const ended = await client.evict(name, options.to);
    if (options.json) context.out.json(ended);
    else {
      const what = [count(ended.instances, 'instance'), count(ended.snapshots, 'snapshot'), count(ended.zygotes, 'runtime zygote')];
      context.out.note(`ended ${what.join(', ')}; the next start of ${name} begins from ${options.to}`);
    }
    return EXIT.ok;
  });
}
