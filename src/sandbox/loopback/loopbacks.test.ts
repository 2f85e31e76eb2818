import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { type LoopbackUse, Loopbacks, noLoopbacks } from './loopbacks.ts';

/** What the programs below begin with: each thing that is tried answers a word, `ok` or the code of its error. */
const TRY = `
const [net, dgram] = [require('node:net'), require('node:dgram')];
const word = (emitter, event, then) => new Promise((done) => {
  emitter.once('error', (error) => done(error.code));
  emitter.once(event, () => done(then?.() ?? 'ok'));
});
const connect = (host, port) => { const s = net.connect({ host, port }); return word(s, 'connect', () => void s.destroy()); };
const listen = (options) => word(net.createServer((s) => s.end()).listen(options), 'listening');
const socket = (type) => dgram.createSocket(type).on('error', () => undefined);
const bind = (type, options) => { const s = socket(type); s.bind({ exclusive: true, ...options }); return word(s, 'listening'); };
const send = (s, host, port) => new Promise((done) => s.send('x', port, host, (error) => done(error?.code ?? 'ok')));
const say = (answer) => console.log(JSON.stringify(answer));
`;

/** A program in an instance: its lines, and its end. */
class Program {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(use: LoopbackUse, command: readonly string[]) {
    const stdio = ['pipe', 'pipe', 'inherit'] as const;
    this.#child = spawn('sh', ['-c', 'echo 0 > "$0" && exec "$@"', use.path, ...command], { stdio: [...stdio] });
    this.#lines = createInterface(this.#child.stdout!)[Symbol.asyncIterator]();
  }

  /** What it says next. */
  async said(): Promise<unknown> {
    const { done, value } = await this.#lines.next();
    assert.ok(done !== true, 'it has ended');
    return JSON.parse(value);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

const missing = noLoopbacks(systemClock);

describe('loopbacks of their own', { skip: missing ?? false }, () => {
  let loopbacks: Loopbacks;
  const warnings: string[] = [];
  const [uses, programs]: [LoopbackUse[], Program[]] = [[], []];
  before(() => {
    loopbacks = Loopbacks.open({ clock: systemClock, warn: (message) => warnings.push(message) });
  });
  after(async () => {
    for (const program of programs) await program.end();
    for (const use of uses) use.release();
    loopbacks.close();
    assert.deepEqual(warnings, []);
  });

  /** Runs a program in an instance, in JavaScript, with what TRY has. */
  const run = (instanceId: string, code: string): Program =>
    start(instanceId, [process.execPath, '-e', `${TRY}(async () => {${code}})();`]);

  const start = (instanceId: string, command: readonly string[]): Program => {
    const use = loopbacks.enter(instanceId);
    assert.ok(use !== null);
    uses.push(use);
    const program = new Program(use, command);
    programs.push(program);
    return program;
  };

  test("another instance's address is refused, however it is written; its own, and the machine's way to it, are not", async () => {
    const served = run(
      'served',
      `say([await listen({ port: 4317, host: '0.0.0.0' }), await bind('udp4', { port: 4317, address: '127.0.0.1' })]);`,
    );
    assert.deepEqual(await served.said(), ['ok', 'ok']);
    const host = loopbacks.hostOf('served', 4317);
    assert.match(host, /^127\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./);
    const reach = `
      const [four, six] = [socket('udp4'), socket('udp6')];
      say([await connect('${host}', 4317), await connect('::ffff:${host}', 4317), await send(four, '${host}', 4317), await send(six, '::ffff:${host}', 4317)]);`;
    assert.deepEqual(await run('served', reach).said(), ['ok', 'ok', 'ok', 'ok']);
    assert.deepEqual(await run('other', reach).said(), ['EPERM', 'EPERM', 'EPERM', 'EPERM']);
    const take = `say([await listen({ port: 4318, host: '${host}' }), await bind('udp4', { port: 4318, address: '${host}' })]);`;
    assert.deepEqual(await run('other', take).said(), ['EPERM', 'EPERM'], 'nor can it listen there in its place');
    const machine = connect(4317, host);
    await once(machine, 'connect');
    machine.destroy();
  });

  test("an instance has 256 ports of its own; more are the machine's, and take nothing from another", async () => {
    const listening = run(
      'many',
      `const answers = []; for (let port = 20000; port < 20300; port++) answers.push(await listen({ port, host: '127.0.0.1' })); say(answers);`,
    );
    assert.deepEqual(new Set((await listening.said()) as string[]), new Set(['ok']));
    const own = (instanceId: string, port: number): boolean => loopbacks.hostOf(instanceId, port) !== '127.0.0.1';
    const noted = Array.from({ length: 300 }, (_, n) => own('many', 20_000 + n));
    assert.equal(noted.indexOf(false), 256);
    assert.equal(noted.lastIndexOf(true), 255);
    assert.equal(await run('many', `say([await listen({ port: 20000, host: '127.0.0.1' })]);`).said().then(String), 'EADDRINUSE');
    assert.equal(await run('few', `say([await listen({ port: 20000, host: '127.0.0.1' })]);`).said().then(String), 'ok');
    assert.ok(own('few', 20_000));
  });

  test('a socket for datagrams sends to other machines from a port of its choice; on localhost such a port is the own one', async () => {
    const code = (port: number): string => `
      const [four, six] = [socket('udp4'), socket('udp6')];
      four.bind({ port: ${port}, exclusive: true }); six.bind({ port: ${port + 1}, exclusive: true });
      await Promise.all([four, six].map((s) => word(s, 'listening')));
      say([await send(four, '192.0.2.1', 9), await send(six, '::ffff:192.0.2.1', 9), await bind('udp4', { port: 8125, address: '127.0.0.1' })]);`;
    const answers = (await run('sends', code(20_400)).said()) as string[];
    for (const answer of answers) assert.notEqual(answer, 'EINVAL'); // there may be no way to other machines, which is another error
    assert.equal(answers[2], 'ok');
    assert.equal(((await run('sends too', code(20_402)).said()) as string[])[2], 'ok');
  });
});
