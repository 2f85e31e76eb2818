import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { NewDelivery } from '../model/delivery.ts';
import { openGateway, type OpenedGateway } from './testing/open-gateway.ts';

const DEEP = 100_000;

describe('what a caller sends is never the server’s fault', { timeout: 20_000 }, () => {
  const taken: NewDelivery[] = [];
  let gateway: OpenedGateway;
  before(async () => {
    const intake = { accept: async (deliveries: readonly NewDelivery[]) => void taken.push(...deliveries) };
    gateway = await openGateway({ deps: { intake } });
  });
  after(() => gateway.close());

  async function post(path: string, body: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
    const answer = await fetch(`http://127.0.0.1:${gateway.port}${path}`, { method: 'POST', body, headers });
    return { status: answer.status, text: await answer.text() };
  }

  it('a payload that is no JSON is told so, however deep it is', async () => {
    for (const open of ['[', '{"a":']) {
      const { status, text } = await post('/2015-03-31/functions/f/invocations', open.repeat(DEEP), { 'x-amz-invocation-type': 'Event' });
      assert.equal(status, 400);
      assert.match(text, /Document nesting depth \(1001\) exceeds the maximum allowed \(1000/);
    }
    const { text } = await post('/2015-03-31/functions/f/invocations', '['.repeat(1_000), { 'x-amz-invocation-type': 'Event' });
    assert.match(text, /Unexpected end-of-input/);
  });

  it('the events of a batch are taken as they were written', async () => {
    const data = ['{"id": 12345678901234567890, "price": 1.0}', '['.repeat(DEEP) + ']'.repeat(DEEP)];
    const events = data.map((one, index) => `{"specversion":"1.0","id":"${index}","source":"/s","type":"t","data":${one}}`);
    const headers = { 'content-type': 'application/cloudevents-batch+json' };
    const { status, text } = await post('/hearth/v1/cloudevents/f', `[${events.join(' ,\n')}]`, headers);
    assert.equal(status, 202, text);
    assert.deepEqual(
      taken.map(({ payload }) => payload.toString()),
      events,
    );
  });
});
