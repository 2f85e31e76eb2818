import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Answer } from '../fleet/driver.ts';
import { deferred } from '../lib/deferred.ts';
import type { AnswerSink } from '../model/answer-sink.ts';
import type { Invocation } from '../model/invocation.ts';
import { Companions } from './companions.ts';
import type { WorkerInstance } from './worker.ts';

it('an answer that begins to stream when it is late goes nowhere, and breaks no rule of a driver', async () => {
  const sinks: AnswerSink[] = [];
  const instance = {
    invoke({ sink }: Invocation) {
      sinks.push(sink as AnswerSink);
      return deferred<Answer>().promise;
    },
    withdraw() {},
    async kill() {},
  } as unknown as WorkerInstance;
  const told: string[] = [];
  const callers: AnswerSink = {
    limitBytes: 100,
    begun: false,
    bytes: 7,
    begin: (type) => told.push(type),
    write: (piece, taken) => (told.push(piece.toString()), taken()),
    finish: () => told.push('finished'),
  };
  const company = new Companions().join(instance, { sink: callers } as unknown as Invocation);
  const answer = company.invoke(0);
  const [sink] = sinks;
  assert.deepEqual([sink?.limitBytes, sink?.bytes, sink?.begun], [100, 7, false]);
  company.giveUp();
  assert.equal(await answer, null);
  sink?.begin('text/plain');
  let taken = 0;
  sink?.write(Buffer.from('late'), () => taken++);
  sink?.finish();
  assert.deepEqual([sink?.limitBytes, sink?.bytes, sink?.begun, taken, told], [0, 0, true, 1, []]);
});
