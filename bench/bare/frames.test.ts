import assert from 'node:assert/strict';
import { it } from 'node:test';
import { frame, FrameReader } from './frames.ts';

it('frames come out as they went in, wherever the stream was cut', () => {
  const stream = Buffer.concat(['', 'a', 'hello', 'x'.repeat(1000)].map((text) => frame(Buffer.from(text))));
  for (const step of [1, 2, 3, 7, 500, stream.length]) {
    const reader = new FrameReader();
    const out: string[] = [];
    for (let at = 0; at < stream.length; at += step)
      out.push(...reader.take(stream.subarray(at, at + step)).map((content) => content.toString()));
    assert.deepEqual(out, ['', 'a', 'hello', 'x'.repeat(1000)], `in steps of ${step}`);
  }
});
