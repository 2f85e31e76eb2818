import type { HearthClient } from '../client/client.ts';
import type { Timer } from '../lib/clock.ts';
import type { Context } from './context.ts';
import { showOutcomes } from './deploy-view.ts';
import { chosen, failureOf, type Outcome, tryDeploy } from './deployment.ts';
import { asCliError, CliError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { duration } from './format.ts';
import { type DeclaredFunction, type HearthFile, loadHearthFile } from './hearth-file.ts';
import { withMissing } from './missing-destinations.ts';
import { latestOnly } from './latest-only.ts';
import { ignoreRules } from './package-folder.ts';
import { type Watch, watch } from './watch.ts';

/** What is deployed has so long when it is saved again: an init phase that hangs would have two minutes, and what mends it would wait for that. */
const PATIENCE_MS = 2_000;

interface Followed {
  declared: DeclaredFunction;
  /** Of its folder and, where it has one, of its sample event. */
  readonly watches: readonly Watch[];
  readonly redeploy: () => void;
}

/** Keeps functions as their folders and hearth.yaml are. An error is shown, and the next change tries again. */
export class DevSession {
  readonly #context: Context;
  readonly #client: HearthClient;
  readonly #signal: AbortSignal;
  readonly #names: readonly string[];
  readonly #followed = new Map<string, Followed>();
  /** Whose last deployment found no server, or lost it. */
  readonly #unheard = new Set<string>();
  #fileWatch: Watch | undefined;
  #broken = false;

  constructor(context: Context, client: HearthClient, names: readonly string[], signal: AbortSignal) {
    this.#context = context;
    this.#client = client;
    this.#names = names;
    this.#signal = signal;
  }

  /** Starts with what the file says; the file at `path` is looked at again whenever it changes. */
  async start(path: string, first: HearthFile | null): Promise<void> {
    this.#fileWatch = await watch({
      path,
      clock: this.#context.clock,
      onChange: latestOnly(() => this.#reload(path)),
      onError: (error) => this.#context.out.error(asCliError(error)),
    });
    this.#broken = first === null;
    if (first) await this.#take(first);
  }

  /** The server is there again: what it was not handed meanwhile is deployed. */
  again(): void {
    for (const name of this.#unheard) this.#followed.get(name)?.redeploy();
  }

  async close(): Promise<void> {
    await Promise.all([this.#fileWatch?.close(), ...[...this.#followed.values()].map(letGo)]);
  }

  /** Whether a function is one of those that are developed; all are, as long as no hearth.yaml could be read. */
  follows(name: string): boolean {
    return this.#followed.size === 0 || this.#followed.has(name);
  }

  async #reload(path: string): Promise<void> {
    try {
      const file = await loadHearthFile(this.#context.cwd, path);
      if (this.#broken) this.#context.out.note(`${path} is in order again`);
      this.#broken = false;
      await this.#take(file);
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#broken = true;
      const { message, fix, cause } = asCliError(error);
      const gone = (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
      const said = gone ? { message: `${path} is gone`, fix: 'put it back' } : { message, fix: fix ?? 'correct it' };
      this.#context.out.error(new CliError(said.message, { fix: `${said.fix}; what was deployed stays until then` }));
    }
  }

  /** Deploys what is new or declared otherwise, and lets go of what is no longer there. */
  async #take(file: HearthFile): Promise<void> {
    const wanted = chosen(file, this.#names);
    for (const [name, followed] of this.#followed) {
      if (wanted.some((d) => d.name === name)) continue;
      await letGo(followed);
      this.#followed.delete(name);
      this.#context.out.note(`${name} is no longer in ${file.path}; it stays deployed until \`hearth rm ${name}\``);
    }
    for (const declared of wanted) await this.#follow(declared);
  }

  async #follow(declared: DeclaredFunction): Promise<void> {
    const known = this.#followed.get(declared.name);
    if (known !== undefined && known.declared.folder === declared.folder && known.declared.sampleFile === declared.sampleFile) {
      const same = JSON.stringify(known.declared) === JSON.stringify(declared);
      known.declared = declared;
      if (!same) known.redeploy();
      return;
    }
    if (known !== undefined) await letGo(known);
    const redeploy = latestOnly((overtaken) => this.#deploy(declared.name, overtaken));
    const { clock, out } = this.#context;
    const watching = { clock, onChange: redeploy, onError: (error: unknown) => out.error(asCliError(error)) };
    const { folder, sampleFile } = declared;
    const watches = [await watch({ ...watching, path: folder, rules: () => ignoreRules(folder) })];
    if (sampleFile !== undefined) watches.push(await watch({ ...watching, path: sampleFile }));
    this.#followed.set(declared.name, { declared, watches, redeploy });
    redeploy();
  }

  async #deploy(name: string, overtaken: AbortSignal): Promise<void> {
    const declared = this.#followed.get(name)?.declared;
    if (declared === undefined || this.#signal.aborted) return;
    const { clock, out } = this.#context;
    const from = clock.monotonic();
    const late = new AbortController();
    let patience: Timer | null = null;
    overtaken.addEventListener('abort', () => (patience = clock.after(PATIENCE_MS, () => late.abort())));
    const signal = AbortSignal.any([this.#signal, late.signal]);
    const outcome = await tryDeploy(this.#client, declared, { signal }, () => {}).catch(() => null);
    (patience as Timer | null)?.cancel();
    if (outcome === null) {
      if (late.signal.aborted) out.note(`${name} was saved again: what was saved before is not waited for any longer`);
      return; // or interrupted
    }
    if ('error' in outcome && outcome.error.exitCode === EXIT.unreachable) this.#unheard.add(name);
    else this.#unheard.delete(name);
    const [shown = outcome] = await withMissing(
      [outcome],
      [...this.#followed.values()].map((f) => f.declared),
    );
    await this.#show(shown, duration(clock.monotonic() - from));
    if (!('deployed' in outcome)) out.note(out.mark('dim', `${name} stays as it was; waiting for the next change`));
  }

  async #show(outcome: Outcome, took: string): Promise<void> {
    const { out } = this.#context;
    if ('error' in outcome) return showOutcomes(out, [outcome]);
    const { deployed } = outcome;
    const what = deployed.unchanged ? 'unchanged' : deployed.created ? 'created' : 'updated';
    const init = deployed.init === null ? '' : `, init ${duration(deployed.init.durationMs)}`;
    out.note(`${out.mark('green', outcome.name)} ${what} in ${took}${init}${deployed.url === null ? '' : ` ${deployed.url}`}`);
    if (deployed.init?.unforkable) out.warn(`${outcome.name} can't be forked: ${deployed.init.unforkable}`);
    for (const warning of deployed.warnings) out.warn(`${outcome.name}: ${warning}`);
    const failure = failureOf(outcome);
    if (failure !== null) out.error(Object.assign(failure, { message: `${outcome.name}: ${failure.message}` }));
  }
}

async function letGo({ watches }: Followed): Promise<void> {
  await Promise.all(watches.map((one) => one.close()));
}
