import { type Context, type EndpointOptions, withClient } from '../context.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

export interface RmOptions extends EndpointOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** `hearth rm`: removes a function, after asking. Its usage stays on the books. */
export async function rm(context: Context, name: string, options: RmOptions): Promise<ExitCode> {
  if (!options.yes && !(await confirmed(context, name))) {
    context.out.note('nothing was removed');
    return EXIT.interrupted;
  }
  return withClient(context, options, async (client) => {
    await client.remove(name);
    if (options.json) context.out.json({ removed: name });
    else context.out.note(`${name} is removed; its instances ended, its usage stays`);
    return EXIT.ok;
  });
}

async function confirmed(context: Context, name: string): Promise<boolean> {
  if (!context.out.canAsk)
    throw new CliError(`removing ${name} needs a yes, and there is no terminal to ask at`, { fix: `hearth rm ${name} --yes` });
  const { confirm } = await import('@clack/prompts');
  const message = `Remove ${name} with all its versions? Its instances end at once.`;
  return (await confirm({ message, initialValue: false, output: context.out.stderr })) === true;
}
