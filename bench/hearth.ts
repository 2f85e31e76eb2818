import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Deployed } from '../src/client/answers.ts';
import { HearthClient } from '../src/client/client.ts';
import type { AccessKey } from '../src/auth/keys.ts';
import { readLocalKey } from '../src/auth/local-key.ts';
import { signed } from '../src/auth/sign.ts';
import { deployFunction } from '../src/cli/deployment.ts';
import { type DeclaredFunction, loadHearthFile } from '../src/cli/hearth-file.ts';
import { readinessOn } from '../src/cli/readiness.ts';
import { SERVER_HEAP } from '../src/cli/server-heap.ts';
import type { ConfigFile } from '../src/config/schema.ts';
import { builtFile, inRepository, ROOT } from './paths.ts';
import { startProgram } from './leash/start.ts';
import { HOST, type Target } from './load/plan.ts';
import type { Releases } from './releases.ts';
import { runtimeHere } from './runtimes.ts';

/** A Hearth server of its own process, on a home and a port that nobody else has. */
export class BenchHearth {
  readonly client: HearthClient;
  readonly home: string;
  readonly port: number;
  readonly stop: () => Promise<void>;
  /** Null in anonymous mode. */
  readonly #key: AccessKey | null;

  private constructor(endpoint: string, home: string, stop: () => Promise<void>) {
    this.#key = signsAt(home);
    this.client = new HearthClient(endpoint, this.#key);
    this.home = home;
    this.port = Number(new URL(endpoint).port);
    this.stop = async () => {
      this.client.close();
      await stop();
    };
  }

  /**
   * A home that goes at the end. `config` is what its config.yaml says. In anonymous mode unless that says otherwise: what a signature costs is measured by
   * itself (overhead --signed).
   */
  static async makeHome(releases: Releases, config: ConfigFile = {}): Promise<string> {
    const home = await mkdtemp(join(tmpdir(), 'hearth-bench-'));
    releases.add(() => rm(home, { recursive: true, force: true }));
    await writeFile(join(home, 'config.yaml'), stringify({ logLevel: 'warn', auth: { required: false }, ...config }));
    return home;
  }

  /** Starts the server that a user would start. Rejects with the last lines of its output when it does not come up. */
  static async start(releases: Releases, home: string, variables: NodeJS.ProcessEnv = {}): Promise<BenchHearth> {
    const command = [process.execPath, ...SERVER_HEAP, builtFile('../src/cli/main.js'), 'up', '--home', home, '--port', '0', '--no-deploy'];
    const program = await startProgram({
      command: [...command, '--announce', '3'],
      cwd: ROOT,
      env: { ...environment(), ...variables },
      folder: home,
      announce: true,
    });
    releases.add(() => program.stop());
    const ready = program.announcements === null ? null : await readinessOn(program.announcements);
    if (ready === null || 'error' in ready) {
      await program.stop(); // until it has ended it may have more to say
      throw new Error(
        `Hearth did not start:\n${ready === null ? program.lastWords() : [ready.error.message, ready.error.fix ?? []].flat().join('\n')}`,
      );
    }
    return new BenchHearth(ready.endpoint, home, () => program.stop());
  }

  /** Deploys one function of a hearth.yaml of this repository, as `hearth deploy` does. */
  async deploy(file: string, name: string, changes: Record<string, unknown> = {}): Promise<Deployed> {
    const { functions } = await loadHearthFile(ROOT, inRepository(file));
    const declared = functions.find((f) => f.name === name);
    if (declared === undefined) throw new Error(`${file} has no function ${name}`);
    return this.deployDeclared({ ...declared, manifest: { ...declared.manifest, ...changes } });
  }

  /** The same of a function that is declared already; by a release of its language that is installed here. */
  async deployDeclared(declared: DeclaredFunction): Promise<Deployed> {
    const runtime = await runtimeHere(String(declared.manifest['runtime']));
    return deployFunction(this.client, { ...declared, manifest: { ...declared.manifest, runtime } }, undefined, () => {});
  }

  /** A synchronous invocation by Lambda's API; signed where it has to be, which holds for a quarter of an hour. */
  target(name: string, event: unknown): Target {
    const [path, body] = [`/2015-03-31/functions/${name}/invocations`, JSON.stringify(event)];
    const request = { method: 'POST', url: path, headers: { host: `${HOST}:${this.port}` }, payload: Buffer.from(body) };
    const signature = this.#key === null ? {} : signed(request, this.#key, Date.now());
    return { port: this.port, method: 'POST', path, headers: { 'content-type': 'application/json', ...signature }, body };
  }
}

/** The key that requests to the server of a home are signed with; null where its config.yaml asks for none. */
function signsAt(home: string): AccessKey | null {
  const { auth } = parse(readFileSync(join(home, 'config.yaml'), 'utf8')) as ConfigFile;
  return auth?.required === false ? null : readLocalKey(home);
}

/** Without what would make it another server than the one described: the user's own database, home and settings. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HEARTH_') && name !== 'DATABASE_URL'));
}
