import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { queryCall } from './query-input.ts';

const read = (query: string): ReturnType<typeof queryCall> => queryCall(new URLSearchParams(query), '/');

describe('a call in the Query protocol', () => {
  it('whose parameters are named after what every object has reaches nothing outside itself', () => {
    read('Action=ListQueues&constructor.prototype.polluted=yes&toString.polluted=yes');
    assert.equal(Reflect.get({}, 'polluted'), undefined);
    assert.equal(Object.getOwnPropertyDescriptor(Object.prototype, 'toString')?.value.polluted, undefined);
    assert.throws(() => read('Action=ListQueues&__proto__.polluted=yes'), { code: 'InvalidParameterValue' });
  });

  it('keeps such a parameter where it belongs', () => {
    const { input } = read('Action=SendMessage&constructor.name=a');
    assert.deepEqual(input['constructor'], { name: 'a' });
  });
});
