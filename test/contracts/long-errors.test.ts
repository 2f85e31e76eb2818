import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ForkDriver } from '../../src/drivers/fork/fork-driver.ts';
import { InitFailure } from '../../src/fleet/driver.ts';
import { farDeadlineMs, instanceSpec, invocation } from './driver.contract.ts';
import { behaviourSpec, openForkDriver, runtimes } from './fork-driver-subject.ts';
import { TestSink } from './stream.contract.ts';

/** What takes one byte in a frame, and what takes many. */
const TEXTS = ['x', '\u0001', 'ä', '"'];

/** What an error says of itself is the function's, and goes to the server in one frame where there is no answer to send it as. */
for (const { language, runtime, missing } of await runtimes()) {
  describe(`an error with a very long message and name: ${language}`, { skip: missing ?? false, timeout: 120_000 }, () => {
    let driver: ForkDriver;
    before(async () => (driver = await openForkDriver()));
    after(() => driver.close());

    it('fails the init phase with the beginning of it', async () => {
      for (const text of TEXTS) {
        const spec = behaviourSpec('throws-much', runtime, { environment: { TEXT: text } });
        const failure = await driver.start(spec, instanceSpec()).catch((error: unknown) => error);
        assert.ok(failure instanceof InitFailure, String(failure));
        isBeginning(failure.errorType, failure.body, text);
      }
    });

    it('fails an answer that has begun, or has not, with the beginning of it', async () => {
      const instance = await driver.start(behaviourSpec('throws-much', runtime), instanceSpec());
      for (const text of TEXTS) {
        const sink = new TestSink();
        const answer = await instance.invoke({ ...invocation({ text }), ...(language === 'node' ? { sink } : {}) }, farDeadlineMs());
        assert.equal(sink.text, language === 'node' ? 'begun' : '');
        if (language === 'node') isBeginning(answer.errorType, answer.body, text);
        else assert.match(answer.errorType ?? '', /^(MuchMuch|Function.ResponseSizeTooLarge)/);
      }
      await instance.kill();
    });
  });
}

function isBeginning(errorType: string | null, body: Buffer, text: string): void {
  assert.match(errorType ?? '', /^MuchMuch/);
  const document = JSON.parse(body.toString()) as { errorType: string; errorMessage: string; trace?: string[]; stackTrace?: string[] };
  assert.equal(document.errorType, errorType);
  assert.ok(document.errorMessage.startsWith(text.repeat(10_000)));
  assert.match(document.errorMessage, /… \(3000000 characters\)$/);
  assert.ok((document.trace ?? document.stackTrace ?? []).length > 0);
}
