import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
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

/** As asyncio opens servers: a socket for each family, where that of IPv6 refuses IPv4. Asks each by both addresses for its name. */
const ASYNCIO = `
import asyncio, json, sys
name = sys.argv[1]
async def answer(reader, writer):
    writer.write(name.encode())
    writer.close()
async def ask(host, port):
    reader, writer = await asyncio.open_connection(host, port)
    text = (await reader.read()).decode()
    writer.close()
    return text
async def main():
    servers = [await asyncio.start_server(answer, host, port) for host, port in ((None, 20500), ('localhost', 20501), (['::1', '127.0.0.1'], 20502))]
    answers = [[await ask(host, port) for host in ('127.0.0.1', '::1')] for port in (20500, 20501, 20502)]
    print(json.dumps(answers), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
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

const noPython = spawnSync('python3', ['--version']).status !== 0 && 'no python3 here';
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

  test("asyncio's servers on all addresses and on localhost, in two instances at once", { skip: noPython }, async () => {
    for (const name of ['first', 'second']) {
      const answers = await start(name, ['python3', '-c', ASYNCIO, name]).said();
      assert.deepEqual(
        answers,
        [0, 1, 2].map(() => [name, name]),
      );
    }
  });

  test('a socket that refuses IPv4, and has no sibling: of two instances each reaches its own, by the port it asked for', async () => {
    const code = `
      const ask = (port) => new Promise((done) => net.connect({ host: '::1', port }).on('error', (e) => done(e.code)).on('data', (d) => done(String(d))));
      const serve = (options) => { const s = net.createServer((c) => c.end(NAME + ' at ' + c.localPort)); return word(s.listen({ ipv6Only: true, ...options }), 'listening', () => s.address().port); };
      say([await serve({ port: 20600, host: '::' }), await serve({ port: 20601, host: '::1' }), await ask(20600), await ask(20601), await connect('127.0.0.1', 20600)]);`;
    for (const name of ['alone', 'alone too'])
      assert.deepEqual(await run(name, `const NAME = '${name}';${code}`).said(), [
        20_600,
        20_601,
        `${name} at 20600`,
        `${name} at 20601`,
        'ECONNREFUSED',
      ]);
  });

  test('a server for both families after one of IPv4 alone on its port is reached by both', async () => {
    const answers = await run(
      'again',
      `const four = net.createServer().listen(20602, '127.0.0.1');
      await word(four, 'listening');
      await new Promise((done) => four.close(done));
      say([await listen({ port: 20602 }), await connect('127.0.0.1', 20602), await connect('::1', 20602)]);`,
    ).said();
    assert.deepEqual(answers, ['ok', 'ok', 'ok']);
    assert.notEqual(loopbacks.hostOf('again', 20_602), '127.0.0.1');
  });
});
