// Streams what the event says, and then does what it says.
import { once } from 'node:events';

const write = async (stream, piece) => stream.write(piece) || once(stream, 'drain');

export const handler = awslambda.streamifyResponse(async (event, stream) => {
  if (event.type) stream.setContentType(event.type);
  for (const piece of event.pieces ?? []) await write(stream, piece);
  for (let left = event.bytes ?? 0; left > 0; left -= 65536) await write(stream, Buffer.alloc(Math.min(left, 65536), 120));
  if (event.then === 'throw') throw new RangeError('half-way');
  if (event.then === 'exit') process.exit(7);
  if (event.then === 'hang') await new Promise(() => setInterval(() => {}, 1000));
  stream.end();
});
