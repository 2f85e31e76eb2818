import { zipOf } from '../../src/control/testing/plane.ts';
import { callLambda, type Answer, type Params } from './call.ts';
import type { Clients } from './clients.ts';
import { Comparison } from './compare.ts';

/** A server that recordings are replayed against. */
export interface ReplayServer {
  readonly endpoint: string;
  readonly home: string;
  readonly accountId: string;
  /** What of Python runs here: `python3.11`; null: nothing. */
  readonly python: string | null;
  /** What of Node.js runs here. */
  readonly node: string;
  /** AWS's clients of queues and buckets. */
  readonly clients: Clients;
  /** Makes a function as `hearth deploy` does, for what only a manifest can ask for. */
  deploy(name: string, manifest: Readonly<Record<string, unknown>>, files: Readonly<Record<string, string>>): Promise<void>;
}

/** Does again what a recording's name says, and shows each answer to `check`. Throws NoCounterpart where Hearth has none. */
export type Scenario = (replay: Replay) => Promise<void>;

/** Hearth has nothing that a recording could be compared with. */
export class NoCounterpart extends Error {}

const ROLE = 'arn:aws:iam::000000000000:role/conformance';

/** One recording, being replayed. */
export class Replay {
  readonly server: ReplayServer;
  readonly differences: string[] = [];
  readonly #content: Record<string, unknown>;
  readonly #left: Set<string>;
  readonly #functions = new Set<string>();
  readonly #ends: (() => Promise<unknown>)[] = [];
  #comparison: Comparison;
  #names = 0;

  constructor(server: ReplayServer, content: Record<string, unknown>) {
    this.server = server;
    this.#content = content;
    this.#left = new Set(Object.keys(content));
    this.#comparison = new Comparison({});
  }

  /** Words of the recording that are others here: a runtime that is not installed, say. */
  words(words: Readonly<Record<string, string>>): void {
    this.#comparison = new Comparison(words);
  }

  /** A name that nobody has. */
  name(kind = 'fn'): string {
    return `${kind}-${process.pid}-${Math.random().toString(36).slice(2, 10)}-${++this.#names}`;
  }

  call(operation: string, params: Params = {}): Promise<Answer> {
    if (operation === 'CreateFunction') this.#functions.add(String(params['FunctionName']));
    return callLambda(this.server, operation, params);
  }

  /** Compares an answer with what was recorded under a name. */
  check(name: string, actual: unknown): void {
    if (!(name in this.#content)) throw new Error(`nothing was recorded as ${name}`);
    this.#left.delete(name);
    this.differences.push(...this.#comparison.differences(this.#content[name], actual, name));
  }

  /** Compares as `check` does, with placeholders that stand for nothing yet: it was recorded beside the others, of another function here. */
  checkApart(name: string, actual: unknown): void {
    const bound = this.#comparison;
    this.#comparison = new Comparison({});
    this.check(name, actual);
    this.#comparison = bound;
  }

  async checkCall(name: string, operation: string, params: Params = {}): Promise<Answer> {
    const answer = await this.call(operation, params);
    this.check(name, answer);
    return answer;
  }

  /** What was recorded and never compared. */
  unchecked(): string[] {
    return [...this.#left];
  }

  /** What removes something that the scenario made. */
  atEnd(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  /** Removes what the scenario made, the last first. */
  async clean(): Promise<void> {
    for (const end of this.#ends.reverse()) await end().catch((error: unknown) => this.differences.push(`clean-up: ${String(error)}`));
    for (const name of this.#functions) if (/^[\w-]+$/.test(name)) await callLambda(this.server, 'DeleteFunction', { FunctionName: name });
  }

  /** Parameters of CreateFunction, as the recorded calls had them. */
  async functionOf(FunctionName: string, files: Readonly<Record<string, string>>, more: Params = {}): Promise<Params> {
    const ZipFile = (await zipOf(files)).toString('base64');
    const of = { FunctionName, Runtime: 'python3.12', Handler: 'index.handler', Role: ROLE, Code: { ZipFile }, Architectures: ['x86_64'] };
    return { ...of, ...more };
  }

  /** A function of Python code, made and active. */
  async python(code: string, more: Params = {}): Promise<string> {
    if (this.server.python === null) throw new NoCounterpart('no Python is installed here');
    this.words({ 'python3.12': this.server.python });
    const name = this.name();
    const files = { 'handler.py': code };
    await this.call(
      'CreateFunction',
      await this.functionOf(name, files, { Runtime: this.server.python, Handler: 'handler.handler', Timeout: 30, ...more }),
    );
    return name;
  }

  /** A function of Node.js code, made and active. */
  async node(code: string, more: Params = {}): Promise<string> {
    const name = this.name();
    const files = { 'index.js': code };
    await this.call('CreateFunction', await this.functionOf(name, files, { Runtime: this.server.node, Timeout: 30, ...more }));
    return name;
  }
}
