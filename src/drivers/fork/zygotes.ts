import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { HearthError } from '../../errors.ts';
import { encodeJsonFrame } from '../../runtimes/frames.ts';
import type { ResidentRuntime } from '../../fleet/driver.ts';
import { runtimeName } from '../../runtimes/catalogue.ts';
import type { Interpreter, Language } from '../../runtimes/interpreters.ts';
import type { Step } from '../../model/waterfall.ts';
import { Frame, PROTOCOL_VERSION } from '../../runtimes/protocol.ts';
import type { ConfineStep, Welcome } from '../../runtimes/protocol.ts';
import { Forker, type ChildOrder } from './forker.ts';
import { memoryOf } from './process-figures.ts';
import type { Newborn, Processes } from './processes.ts';

/** From nothing to a greeting: reading an interpreter from a cold disk may take seconds. */
const SPAWN_PATIENCE_MS = 20_000;

/** Zygotes that may end under one start before it fails: each was evicted or killed in the very moment, which does not go on for ever. */
const ZYGOTES_OF_A_START = 5;

/**
 * Large pieces of memory come in pages of 2 MB where the C library and the system offer it (glibc 2.35, Linux's `madvise` or `always`): a fork copies one entry where it copied
 * 512, and what a model or a picture needs is there in a sixth of the time. The functions do not see the variable.
 */
const LARGE_PAGES = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };

/**
 * Node.js copies its own code into such pages, once in a zygote. They are memory then and not a file, so that a fork hands the entries on: a child no longer faults for each
 * 64 kB of code that it comes to. Later versions have lost the flag, and some break by it.
 */
const LARGE_CODE = { flag: '--use-largepages=silent', majors: [20, 22, 24] };

/** All of a script is compiled as it is loaded, once, and not function by function in the first call of each child (shims/node/compile.cjs). */
const COMPILE_ALL = '--no-lazy';

/** Where koffi lies: the module to load, and the folders it is made of. */
const KOFFI = locateKoffi();

function locateKoffi(): { module: string; folders: string[] } | null {
  const require = createRequire(import.meta.url);
  try {
    const module = require.resolve('koffi');
    return { module, folders: [dirname(module), join(dirname(module), '../@koromix')] };
  } catch {
    return null;
  }
}

/** Why no process can be forked on this machine, or null. */
export function whyNoFork(language: Language, linux: boolean): string | null {
  if (!linux) return 'only Linux can fork a running interpreter';
  return language === 'node' && KOFFI === null ? 'the package koffi is not installed; reinstall hearth with its dependencies' : null;
}

/** The folders of Hearth's own that a process of the language needs to see. */
export function shimFolders(shims: string, language: Language): string[] {
  return [join(shims, language), ...(language === 'node' ? (KOFFI?.folders ?? []) : [])];
}

interface Command {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** How the shim is started: in an environment with nothing in it, where certificates and locales would only cost time. A zygote's start has `more` flags for Node.js. */
export function command(interpreter: Interpreter, shims: string, more: readonly string[] = []): Command {
  if (interpreter.language === 'python') return { argv: [interpreter.path, '-u', '-s', join(shims, 'python/main.py')], env: {} };
  // V8 without threads of its own, and no collection on a whim in a thousand idle processes.
  const flags = ['--single-threaded', '--no-memory-reducer', '--no-flush-bytecode', ...more];
  return { argv: [interpreter.path, ...flags, join(shims, 'node/main.cjs')], env: KOFFI === null ? {} : { HEARTH_KOFFI: KOFFI.module } };
}

/** After one that can't be forked another is tried so much later; doubled each time, up to the last. */
const AGAIN_MS = 60_000;
const LONGEST_AGAIN_MS = 3_600_000;

interface Zygote {
  /** A text: nothing can be forked from it, and why. */
  readonly forker: Forker | string;
  /** Lambda's name for what it runs. */
  readonly runtime: string;
  /** How it came to be. */
  readonly steps: readonly Step[];
}

interface Forked {
  readonly newborn: Newborn;
  /** How the zygote came to be, where the call had to wait for it; null: it was resident. */
  readonly before: readonly Step[] | null;
}

/** The runtime zygotes, one an interpreter, each started when it is first needed and again when it is gone. */
export class Zygotes {
  readonly #processes: Processes;
  /** By the interpreter's path. */
  readonly #resident = new Map<string, Zygote>();
  readonly #starting = new Map<string, Promise<Zygote>>();
  /** By the interpreter's path: those whose processes turned out not to be forkable, until another is tried (monotonic). */
  readonly #unforkable = new Map<
    string,
    { readonly language: Language; readonly why: string; readonly againAtMs: number; readonly waitMs: number }
  >();
  #files = 0;

  constructor(processes: Processes) {
    this.#processes = processes;
  }

  /** Why the language's processes turned out not to be forkable here when that was last tried, or null. */
  unforkable(language: Language): string | null {
    return [...this.#unforkable.values()].find((found) => found.language === language)?.why ?? null;
  }

  /**
   * A child of the interpreter's zygote; of another one where that ends meanwhile, so that nobody sees it go. A text: nothing can be forked here now, and
   * why. Rejects with HearthError ServiceException.
   */
  async fork(interpreter: Interpreter, order: ChildOrder): Promise<Forked | string> {
    for (let ended = 1; ; ended++) {
      const { forker, started, steps } = await this.#get(interpreter);
      if (typeof forker === 'string') return forker;
      try {
        return { newborn: await forker.fork(order), before: started ? steps : null };
      } catch (error) {
        if (!forker.closed || ended >= ZYGOTES_OF_A_START) throw error;
      }
    }
  }

  /** The zygote of an interpreter, and whether this call had to wait for it to be started. */
  async #get(interpreter: Interpreter): Promise<Zygote & { readonly started: boolean }> {
    const { path } = interpreter;
    const resident = this.#resident.get(path);
    const again = this.#processes.options.clock.monotonic() >= (this.#unforkable.get(path)?.againAtMs ?? Number.POSITIVE_INFINITY);
    if (resident !== undefined && !over(resident) && !again) return { ...resident, started: false };
    let starting = this.#starting.get(path);
    if (starting === undefined) {
      starting = this.#start(interpreter).finally(() => this.#starting.delete(path));
      this.#starting.set(path, starting);
    }
    return { ...(await starting), started: true };
  }

  /** Starts a shim that is not forked from anything; it takes the steps of `confine`, greets and waits for its welcome. */
  async spawn(
    interpreter: Interpreter,
    o: {
      log: boolean;
      awaited: ReturnType<Processes['await']>;
      ids: { uid: number; gid: number } | null;
      confine?: readonly ConfineStep[];
      flags?: readonly string[];
    },
  ): Promise<Newborn> {
    const { switchboard, supervisor, options } = this.#processes;
    const { argv, env } = command(interpreter, options.shims, o.flags);
    const output = o.log ? null : join(options.runDirectory, `${interpreter.language}-${++this.#files}`);
    const variables: Record<string, string> = {
      ...LARGE_PAGES,
      ...env,
      HEARTH_SOCKET: switchboard.socketPath,
      HEARTH_TOKEN: o.awaited.token,
    };
    if (o.log) variables['HEARTH_LOG_SOCKET'] = switchboard.logPath;
    if (o.confine !== undefined && o.confine.length > 0) variables['HEARTH_CONFINE'] = JSON.stringify(o.confine);
    try {
      const pid = await supervisor.spawn({ argv, env: variables, cwd: '/', output: output === null ? null : { file: output }, ids: o.ids });
      const newborn = await this.#processes.greeted(pid, o.awaited, SPAWN_PATIENCE_MS);
      if (output !== null) rmSync(output, { force: true }); // what it says from now on nobody reads
      return newborn;
    } catch (cause) {
      o.awaited.log.end();
      const said = output === null ? '' : lastLines(output);
      throw new HearthError(
        'ServiceException',
        `${interpreter.path} could not be started as a runtime: ${(cause as Error).message}${said}`,
        { cause },
      );
    }
  }

  /** The zygotes that are resident. */
  async resident(): Promise<ResidentRuntime[]> {
    const living = [...this.#resident.values()].flatMap(({ forker, runtime }) =>
      typeof forker === 'string' || forker.over ? [] : [{ runtime, pid: forker.pid }],
    );
    return Promise.all(living.map(async (z) => ({ ...z, memoryBytes: await memoryOf(z.pid) })));
  }

  /** Ends all zygotes, once they have forked what they were asked for; what was forked from them lives on. How many there were. */
  async evict(): Promise<number> {
    const forkers = [...this.#resident.values()].flatMap(({ forker }) => (typeof forker === 'string' ? [] : forker));
    for (const [path, { forker }] of this.#resident) if (typeof forker === 'string') this.#resident.delete(path); // tried again when it is next wanted
    await Promise.all(forkers.map((forker) => forker.retire()));
    return forkers.length;
  }

  async #start(interpreter: Interpreter): Promise<Zygote> {
    const runtime = runtimeName(interpreter);
    const flags = flagsFor(interpreter);
    const newborn = await this.#spawn(interpreter, flags).catch((error: unknown) => {
      if (flags.length > 0) return this.#spawn(interpreter, []);
      throw error;
    });
    if (!newborn.hello.capabilities.includes('fork')) {
      newborn.peer.drop();
      await this.#processes.supervisor.kill(newborn.pid);
      return this.#keep(interpreter, { forker: this.#cantFork(interpreter), runtime, steps: newborn.steps });
    }
    this.#unforkable.delete(interpreter.path);
    const welcome: Welcome = { protocol: PROTOCOL_VERSION, role: 'zygote' };
    const forker = new Forker(this.#processes, newborn);
    newborn.peer.write(encodeJsonFrame(Frame.welcome, 0, welcome));
    return this.#keep(interpreter, { forker, runtime, steps: newborn.steps });
  }

  /** Why nothing can be forked, in words; tried again later. */
  #cantFork({ path, language }: Interpreter): string {
    const { clock } = this.#processes.options;
    const waitMs = Math.min((this.#unforkable.get(path)?.waitMs ?? AGAIN_MS / 2) * 2, LONGEST_AGAIN_MS);
    const why = `${path} can't be forked on this machine; that is tried again in ${waitMs / 60_000} min`;
    this.#unforkable.set(path, { language, why, waitMs, againAtMs: clock.monotonic() + waitMs });
    this.#processes.warnOnce(`${path} can't be forked on this machine: each instance has an init phase of its own until it can`);
    return why;
  }

  async #spawn(interpreter: Interpreter, flags: readonly string[]): Promise<Newborn> {
    const awaited = this.#processes.await({ line: () => {} }, 1, 'runtime');
    const newborn = await this.spawn(interpreter, { log: false, awaited, ids: null, flags });
    awaited.expected.cancel(); // it has no log to connect
    return newborn;
  }

  #keep({ path }: Interpreter, zygote: Zygote): Zygote {
    this.#resident.set(path, zygote);
    const { forker } = zygote;
    if (typeof forker !== 'string') void forker.gone.then(() => this.#resident.get(path) === zygote && this.#resident.delete(path));
    return zygote;
  }
}

/** What a zygote is started with beyond what every shim is; none of it is needed. */
function flagsFor({ language, version }: Interpreter): string[] {
  if (language !== 'node') return [];
  return LARGE_CODE.majors.includes(Number.parseInt(version, 10)) ? [COMPILE_ALL, LARGE_CODE.flag] : [COMPILE_ALL];
}

/** Whether no more orders can be given to it. */
function over({ forker }: Zygote): boolean {
  return typeof forker !== 'string' && forker.closed;
}

function lastLines(file: string): string {
  try {
    const text = readFileSync(file, 'utf8').trim();
    return text === '' ? '' : `; it said: ${text.slice(-1_000)}`;
  } catch {
    return '';
  }
}
