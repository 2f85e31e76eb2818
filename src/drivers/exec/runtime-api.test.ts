import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { deferred, type Deferred } from '../../lib/deferred.ts';
import { Desk, type DeskAnswer } from './desk.ts';
import { RuntimeApi, type NextInvocation } from './runtime-api.ts';
import { invocation } from './testing/fixtures.ts';

describe('the Runtime API', { timeout: 20_000 }, () => {
  let desk: Desk;
  let api: RuntimeApi;
  let address: string;
  let failures: string[];
  let failed: Deferred<void>;
  beforeEach(async () => {
    failures = [];
    failed = deferred<void>();
    const initFailed = (errorType: string, body: Buffer): void => {
      failures.push(`${errorType} ${body.toString()}`);
      failed.resolve();
    };
    const events = { ready() {}, initFailed, started() {}, ended: () => Promise.resolve() };
    desk = new Desk({ clock: systemClock, concurrency: 1, events });
    api = new RuntimeApi(desk, 1 << 20);
    address = await api.listen();
    api.serveOnly(null);
  });
  afterEach(() => api.close());

  function ask(method: string, path: string, headers: Record<string, string> = {}): ClientRequest {
    return request(`http://${address}/2018-06-01/runtime/invocation/${path}`, { method, headers, agent: false });
  }

  async function answerOf(sent: ClientRequest): Promise<{ status: number; headers: IncomingMessage['headers']; text: string }> {
    const [res] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: res.statusCode ?? 0, headers: res.headers, text: Buffer.concat(await res.toArray()).toString() };
  }

  /** Has an invocation running whose answer `settled` is. */
  async function running(
    requestId: string,
    traceId = '',
  ): Promise<{ readonly next: Awaited<ReturnType<typeof answerOf>>; readonly settled: Promise<DeskAnswer> }> {
    const settled = deferred<DeskAnswer>();
    desk.submit({ ...invocation({}), requestId, traceId }, Date.now() + 60_000, settled.resolve);
    return { next: await answerOf(ask('GET', 'next').end()), settled: settled.promise };
  }

  /** Begins an answer; resolves once that has been looked at. */
  async function begun(requestId: string, path = `${requestId}/response`): Promise<ClientRequest> {
    const sent = ask('POST', path, { expect: '100-continue' });
    sent.on('error', () => {}); // broken off
    sent.flushHeaders();
    await once(sent, 'continue');
    sent.write('"fir');
    return sent;
  }

  /** Sends the head of a request, and nothing of its body. */
  async function headOf(path: string): Promise<ClientRequest> {
    const sent = ask('POST', path, { 'content-length': '1000000' });
    sent.on('error', () => {}); // cut off with what was not sent
    sent.flushHeaders();
    return sent;
  }

  it('takes no second answer while one is on its way', async () => {
    const { settled } = await running('r-1');
    const first = await begun('r-1');
    const second = await answerOf(ask('POST', 'r-1/response').end('"second"'));
    assert.equal(second.status, 403);
    assert.match(second.text, /State transition from InvocationResponse to InvocationResponse failed/);
    assert.equal((await answerOf(ask('POST', 'r-1/error').end('{}'))).status, 403);
    first.end('st"');
    assert.equal((await answerOf(first)).status, 202);
    assert.equal((await settled).body.toString(), '"first"');
    const late = await answerOf(ask('POST', 'r-1/response').end('"late"'));
    assert.deepEqual([late.status, late.text.includes('InvalidStateTransition')], [403, true]);
    const unknown = await answerOf(ask('POST', 'r-0/response').end('"whose"'));
    assert.deepEqual(
      [unknown.status, JSON.parse(unknown.text)],
      [400, { errorType: 'InvalidRequestID', errorMessage: 'Invalid request ID' }],
    );
  });

  it('is told once that the init phase has failed, and asks for no other body', async () => {
    const first = await begun('', '../init/error');
    const second = await answerOf(await headOf('../init/error'));
    assert.equal(second.status, 403);
    assert.match(second.text, /State transition from InitError to InitError failed/);
    first.end('st"');
    assert.deepEqual([(await answerOf(first)).status, failures], [202, ['Runtime.Unknown "first"']]);
    assert.equal((await answerOf(ask('GET', 'next').end())).status, 403);
  });

  it('is not told so of one that serves', async () => {
    await running('r-6');
    const refused = await answerOf(await headOf('../init/error'));
    assert.equal(refused.status, 403);
    assert.match(refused.text, /State transition from Running to InitError failed/);
    assert.deepEqual(failures, []);
  });

  it('takes a word of failure that breaks off for a failure', async () => {
    const broken = await begun('', '../init/error');
    broken.destroy();
    await failed.promise;
    assert.deepEqual(failures, ['Runtime.Unknown {}']);
  });

  it('fails an invocation that is answered in a mode that there is not', async () => {
    const { settled } = await running('r-5');
    const told = await answerOf(ask('POST', 'r-5/response', { 'lambda-runtime-function-response-mode': 'whole' }).end('1'));
    assert.deepEqual(
      [told.status, JSON.parse(told.text)],
      [400, { errorMessage: 'Invalid function response mode', errorType: 'InvalidFunctionResponseMode' }],
    );
    assert.equal((await settled).errorType, 'Runtime.InvalidResponseModeHeader');
  });

  it('takes another when one has broken off', async () => {
    const { settled } = await running('r-2');
    const brokenOff = deferred<void>();
    const brokeOff = desk.brokeOff.bind(desk);
    desk.brokeOff = (requestId) => {
      brokeOff(requestId);
      brokenOff.resolve();
    };
    (await begun('r-2')).destroy();
    await brokenOff.promise;
    assert.equal((await answerOf(ask('POST', 'r-2/response').end('"again"'))).status, 202);
    assert.equal((await settled).body.toString(), '"again"');
  });

  it('forgets who has given up asking', async () => {
    const forgotten = deferred<void>();
    const polls: { delivered: number }[] = [];
    const next = desk.next.bind(desk);
    desk.next = (deliver) => {
      const poll = { delivered: 0 };
      polls.push(poll);
      const counted = (one: NextInvocation): boolean => ++poll.delivered > 0 && deliver(one);
      const gaveUp = desk.gaveUp.bind(desk);
      desk.gaveUp = (who) => {
        gaveUp(who === deliver ? counted : who);
        forgotten.resolve();
      };
      const refusal = next(counted);
      if (polls.length === 1) given.destroy();
      return refusal;
    };
    const given = ask('GET', 'next').end();
    given.on('error', () => {}); // by us
    await forgotten.promise;
    assert.equal((await running('r-3')).next.headers['lambda-runtime-aws-request-id'], 'r-3');
    assert.deepEqual(polls, [{ delivered: 0 }, { delivered: 1 }]);
  });

  it('hands out an empty object where the caller sent nothing', async () => {
    desk.submit({ ...invocation({}), body: Buffer.alloc(0) }, Date.now() + 60_000, () => {});
    assert.equal((await answerOf(ask('GET', 'next').end())).text, '{}');
  });

  it('hands out an invocation whose trace no header can hold', async () => {
    const { next } = await running('r-4', 'Root=1→\n;Parent=2');
    assert.equal(next.headers['lambda-runtime-trace-id'], 'Root=1;Parent=2');
  });
});
