import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { said } from '../../src/cli/testing/run-hearth.ts';
import { deployFunction } from '../../src/cli/deployment.ts';
import { readStatusFile } from '../../src/cli/status-file.ts';
import { HearthClient } from '../../src/client/client.ts';
import { runDirectory } from '../../src/composition/run-directory.ts';
import { descendants, type SeenProcess } from './leavings.ts';
import { ROOT, type Manifest } from './platform-server.ts';
import { ownKey } from './server-credentials.ts';
import { until } from './until.ts';

/** The command line as it was built, without the look whether it is fresh that bin/hearth takes: another user may not build it. */
const MAIN = join(ROOT, 'dist/src/cli/main.js');

export interface ProcessOptions {
  readonly home: string;
  /** What the server is started through, such as setpriv and its arguments. */
  readonly through?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** `hearth up` as a process of its own, so that it can be killed. */
export class ServerProcess {
  static readonly #all = new Set<ServerProcess>();
  readonly child: ChildProcess;
  readonly home: string;
  #client: HearthClient | null = null;

  private constructor(child: ChildProcess, home: string) {
    this.child = child;
    this.home = home;
  }

  /** Starts it and does not wait. */
  static spawn({ home, through = [], env = {} }: ProcessOptions): ServerProcess {
    const [program, ...rest] = [...through, process.execPath, MAIN, 'up', '--no-deploy', '--port', '0', '--home', home] as const;
    const all = { PATH: process.env['PATH'] ?? '', HOME: home, ...env };
    const child = spawn(program, rest, { cwd: '/', env: all, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.setEncoding('utf8');
    const server = new ServerProcess(child, home);
    ServerProcess.#all.add(server);
    return server;
  }

  /** Kills every one that still runs, and removes the sockets that a killed one leaves to the next on its home. */
  static async endAll(): Promise<void> {
    for (const server of ServerProcess.#all) {
      await server.end('SIGKILL');
      rmSync(runDirectory(server.home, process.env), { recursive: true, force: true });
    }
  }

  /** Starts it and resolves once it serves. */
  static async start(options: ProcessOptions): Promise<ServerProcess> {
    const server = ServerProcess.spawn(options);
    await said(server.child, 'stderr', 'Hearth is up at');
    return server;
  }

  get pid(): number {
    return (JSON.parse(readFileSync(join(this.home, 'server.json'), 'utf8')) as { pid: number }).pid;
  }

  get client(): HearthClient {
    const { endpoint } = JSON.parse(readFileSync(join(this.home, 'server.json'), 'utf8')) as { endpoint: string };
    return (this.#client ??= new HearthClient(endpoint, ownKey(this.home)));
  }

  deploy(name: string, folder: string, manifest: Manifest): ReturnType<typeof deployFunction> {
    return deployFunction(this.client, { name, folder: join(ROOT, 'test/functions', folder), manifest }, undefined, () => {});
  }

  async call(name: string, event: unknown): Promise<{ value: unknown; requestId: string | null; coldRung: string | null }> {
    const answer = await this.client.invoke({ functionName: name, payload: Buffer.from(JSON.stringify(event)) });
    if (answer.functionError !== null) throw new Error(answer.payload.toString());
    return { value: JSON.parse(answer.payload.toString()), requestId: answer.requestId, coldRung: answer.coldRung };
  }

  /** All that it has started: PostgreSQL, supervisors, zygotes, snapshots, instances and what these started. */
  family(): SeenProcess[] {
    return descendants(this.pid);
  }

  /** Tells it to end and resolves once it takes nothing more. With `group`, as a terminal does: started through setsid, so that it leads its group. */
  async beginEnd(signal: 'SIGTERM' | 'SIGINT', group = false): Promise<void> {
    process.kill(group ? -this.pid : this.pid, signal);
    await until(async () => (await readStatusFile(this.home))?.endsWithinMs !== undefined);
  }

  /** Resolves with its exit code once it has ended. */
  get ended(): Promise<number | null> {
    const { child } = this;
    return child.exitCode !== null ? Promise.resolve(child.exitCode) : new Promise((resolve) => child.once('exit', resolve));
  }

  /** Sends a signal and waits for the end of the server itself. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    this.#client?.close();
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill(signal);
    return exited;
  }
}
