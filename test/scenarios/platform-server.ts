import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startServer, type RunningServer } from '../../src/app.ts';
import { deployFunction } from '../../src/cli/deployment.ts';
import type { Deployed, UsageRecord } from '../../src/client/answers.ts';
import { HearthClient } from '../../src/client/client.ts';
import type { InvokeAnswer } from '../../src/client/invocation.ts';
import { runDirectory } from '../../src/composition/run-directory.ts';
import type { Config } from '../../src/config/config.ts';
import { DEFAULTS } from '../../src/config/defaults.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { Catalogue } from '../../src/runtimes/catalogue.ts';
import { thisMachine } from '../../src/runtimes/interpreters.ts';
import { leavings } from './leavings.ts';
import { ownKey } from './server-credentials.ts';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FUNCTIONS = join(ROOT, 'test/functions');

export type Language = 'node' | 'python';

/** The languages that can be tested here, each with its runtime's name and why it can't be tested, if so. */
export async function languages(): Promise<{ language: Language; runtime: string; skip: string | false }[]> {
  const [python] = await new Catalogue(thisMachine(process.env)).list('python');
  const minor = python?.version.replace(/\.\d+$/, '');
  return [
    { language: 'node', runtime: `nodejs${process.versions.node.split('.')[0]}.x`, skip: false },
    { language: 'python', runtime: `python${minor}`, skip: minor === undefined ? 'no Python is installed here' : false },
  ];
}

/** What of the configuration a test wants otherwise. */
export interface Overrides extends Partial<Omit<Config, 'limits' | 'fleet' | 'metering' | 'events'>> {
  readonly limits?: Partial<Config['limits']>;
  readonly fleet?: Partial<Config['fleet']>;
  readonly metering?: Partial<Config['metering']>;
  readonly events?: Partial<Config['events']>;
}

/** An answer with what it is, once parsed. */
export interface Called extends InvokeAnswer {
  readonly value: unknown;
}

export type Manifest = Readonly<Record<string, unknown>>;

/** Those that run: what a test that failed did not end would keep its file from ending, too. */
const running = new Set<TestServer>();
after(async () => {
  for (const server of running) await server.end();
});

/** The whole product in this process, on a home and a port of its own. */
export class TestServer implements AsyncDisposable {
  readonly home: string;
  readonly client: HearthClient;
  readonly #server: RunningServer;

  private constructor(home: string, server: RunningServer) {
    this.home = home;
    this.#server = server;
    this.client = new HearthClient(server.endpoint, ownKey(home));
    running.add(this);
  }

  static async start(overrides: Overrides = {}): Promise<TestServer> {
    const home = overrides.home ?? mkdtempSync(join(tmpdir(), 'hearth-scenario-'));
    const config: Config = {
      ...DEFAULTS,
      port: 0,
      ...overrides,
      home,
      limits: { ...DEFAULTS.limits, ...overrides.limits },
      fleet: { ...DEFAULTS.fleet, ...overrides.fleet },
      metering: { ...DEFAULTS.metering, ...overrides.metering },
      events: { ...DEFAULTS.events, ...overrides.events },
    };
    return new TestServer(home, await startServer({ config, log: createLogger('error') }));
  }

  get endpoint(): string {
    return this.#server.endpoint;
  }

  /** Deploys a folder of test/functions as the command line does. */
  deploy(name: string, folder: string, manifest: Manifest): Promise<Deployed> {
    const declared = { name, folder: folder.startsWith('/') ? folder : join(FUNCTIONS, folder), manifest };
    return deployFunction(this.client, declared, undefined, () => {});
  }

  /** Calls a function with a JSON event and reads its JSON answer and the end of its log. */
  async call(name: string, event: unknown): Promise<Called> {
    const answer = await this.client.invoke({ functionName: name, payload: Buffer.from(JSON.stringify(event)), logTail: true });
    return { ...answer, value: answer.payload.length === 0 ? undefined : JSON.parse(answer.payload.toString()) };
  }

  /** What an invocation was noted to have cost. */
  async usageOf(name: string, requestId: string | null): Promise<UsageRecord> {
    const records = await this.client.usageRecords({ functionName: name, limit: 1000 });
    const found = records.find((r) => r.requestId === requestId);
    if (found === undefined) throw new Error(`no usage record of ${requestId} among ${records.length}`);
    return found;
  }

  /** Ends the server and keeps its home. */
  async stop(): Promise<void> {
    running.delete(this);
    this.client.close();
    await this.#server.close();
  }

  /** Ends the server and removes its home; what of it is left all the same, in words. */
  async end(): Promise<string[]> {
    await this.stop();
    const left = leavings(this.home, runDirectory(this.home, process.env));
    rmSync(this.home, { recursive: true, force: true });
    return left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

/** The handler of a folder of test/functions that is written in both languages. */
export function handlerOf(language: Language): string {
  return language === 'node' ? 'index.handler' : 'lambda_function.lambda_handler';
}
