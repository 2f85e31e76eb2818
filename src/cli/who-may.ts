import { join } from 'node:path';
import { readLocalKey } from '../auth/local-key.ts';
import type { Config } from '../config/config.ts';
import type { Context } from './context.ts';
import { homeOf } from './endpoint.ts';
import { shellWord } from './shell-word.ts';

/** Says who may use a server that has come up: at its first start its own key, this once, and how to use it; in anonymous mode that anybody may. */
export function sayWhoMay({ out, env }: Context, config: Config, first: boolean): void {
  const { home, auth } = config;
  const key = first ? readLocalKey(home) : null;
  if (key !== null) {
    const command = home === homeOf(env) ? 'hearth keys env' : `HEARTH_HOME=${shellWord(home)} hearth keys env`;
    out.note(
      [
        `\nthe key of this server, shown this once (kept in ${join(home, 'credentials')}):`,
        `  access key id      ${key.id}`,
        `  secret access key  ${key.secret}`,
        auth.required
          ? 'the hearth command signs with it by itself; for AWS’s tools and SDKs in this shell:'
          : 'for AWS’s tools and SDKs in this shell:',
        `  eval "$(${command})"`,
      ].join('\n'),
    );
  }
  if (!auth.required) out.warn('anonymous mode: nobody is asked for a key, and whoever reaches this server may do everything');
}
