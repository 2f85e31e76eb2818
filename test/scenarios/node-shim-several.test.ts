import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Host, invoke, type Outcome, type Peer } from './node-shim-host.ts';

const supported = process.platform === 'linux';
const parse = (outcome: Outcome): any => JSON.parse(outcome.body);

describe('invocations of the Node.js shim, several at once and their time', { skip: supported ? false : 'forking needs Linux' }, () => {
  let host: Host;
  let zygote: Peer;
  before(async () => {
    host = await Host.start();
    zygote = await host.zygote();
  });
  after(() => host.close());

  async function instanceOf(handler: string, concurrency: number): Promise<Peer> {
    const snapshot = await host.fork(zygote);
    await host.initialise(snapshot, 'node-lambda', { handler, concurrency });
    return host.instance(snapshot);
  }

  test('four invocations at once; each line knows its request', async () => {
    const peer = await instanceOf('index.slow', 4);
    const ids = [0, 1, 2, 3].map((n) => `request-${n}`);
    const outcomes = await Promise.all(ids.map((requestId, n) => invoke(peer, { n, ms: 50 }, { requestId })));
    assert.deepEqual(outcomes.map(parse), [0, 1, 2, 3]);
    await host.logOf(peer, 'request-3', outcomes.at(-1)!);
    const lines = host.logs.get(peer.hello.token)!.split('\n');
    for (const [n, id] of ids.entries()) {
      assert.equal(lines.filter((line) => line.includes(`\t${id}\tINFO\tstart ${n}`)).length, 1);
      assert.equal(lines.filter((line) => line.includes(`\t${id}\tINFO\tend ${n}`)).length, 1);
    }
    assert.ok(
      lines.findIndex((line) => line.includes('end')) > lines.findLastIndex((line) => line.includes('start')),
      'they ran one after the other',
    );
  });

  test('of four at once, those that nothing is left to answer are answered null, and the others get their time', async () => {
    const peer = await instanceOf('index.lateOrNever', 4);
    for (const ms of [
      [0, 40, 0, 20],
      [0, 0],
    ]) {
      const outcomes = await Promise.all(ms.map((late) => invoke(peer, { ms: late })));
      assert.deepEqual(
        outcomes.map(parse),
        ms.map((late) => (late === 0 ? null : late)),
      );
    }
  });

  test('what is left of its time does not depend on the clock on the wall, which may be set', async () => {
    const peer = await instanceOf('index.clockSet', 1);
    const { before, after } = parse(await invoke(peer, {}, { deadlineMs: Date.now() + 600_000 }));
    assert.ok(before <= 600_000 && before >= after && after > 300_000, `${before} became ${after}`);
  });
});
