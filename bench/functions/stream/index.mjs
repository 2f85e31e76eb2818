import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const PIECE = Buffer.alloc(65536, 'x');

/** Writes its clock, or as many bytes as it is asked for. */
export const handler = awslambda.streamifyResponse(async (event, stream) => {
  const { bytes = 0 } = event.body === undefined ? event : JSON.parse(event.body);
  if (bytes === 0) {
    stream.write(`<${process.hrtime.bigint()}>`);
    await sleep(10);
  }
  for (let left = bytes; left > 0; left -= PIECE.length) if (!stream.write(PIECE)) await once(stream, 'drain');
  stream.end();
});
