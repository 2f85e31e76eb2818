// Handlers that stream; what each does, the event says: { do, … } by Invoke, ?do=… by URL.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const asked = (event) => event.queryStringParameters ?? event;

const ACTS = {
  /** Writes when it began, and goes on until it is told to end. */
  async hold(stream) {
    stream.write('first');
    await new Promise(() => setInterval(() => {}, 1000));
  },
  async prelude(stream) {
    const metadata = {
      statusCode: 418,
      headers: { 'Content-Type': 'text/plain', 'x-own': 'yes', 'bad\nname': 'x', connection: 'close' },
      cookies: ['a=1; Path=/', 'b=2'],
    };
    const http = awslambda.HttpResponseStream.from(stream, metadata);
    http.write('tea');
    http.end('pot');
  },
  async emptyPrelude(stream) {
    awslambda.HttpResponseStream.from(stream, { statusCode: 204, headers: { 'x-own': 'yes' } }).end();
  },
  async badPrelude(stream) {
    stream.setContentType('application/vnd.awslambda.http-integration-response');
    stream.write('no json');
    stream.end(Buffer.alloc(8));
  },
  async pieces(stream, { n = 3 }) {
    stream.setContentType('text/plain');
    for (let i = 0; i < n; i++) stream.write(`${i}\n`);
    stream.end();
  },
  async pipes(stream, { bytes }) {
    await pipeline(Readable.from((function* () {
      for (let left = Number(bytes); left > 0; left -= 65536) yield Buffer.alloc(Math.min(left, 65536), 'x');
    })()), stream);
  },
  async throwsFirst() {
    throw new RangeError('before');
  },
  async throwsLate(stream) {
    if (!stream.write('some')) await once(stream, 'drain');
    await sleep(20);
    throw new RangeError('late');
  },
  async rejectsUnhandled(stream) {
    stream.write('some');
    Promise.reject(new RangeError('nobody'));
    await sleep(10_000);
  },
  async exits(stream) {
    stream.write('some');
    await sleep(20);
    process.exit(3);
  },
  async goesOn(stream, { marker }) {
    stream.end('whole');
    console.log('after the end', marker);
    await new Promise(() => setInterval(() => {}, 1000)); // until the timeout
  },
  async forgets(stream) {
    stream.write('some');
  },
  async returns(stream) {
    stream.end('written');
    return 'ignored';
  },
  async json(stream) {
    stream.write({ not: 'bytes' });
    stream.end();
  },
  async tooLateType(stream) {
    stream.write('x');
    try {
      stream.setContentType('text/html');
    } catch (error) {
      stream.end(`${error.name}: ${error.message}`);
    }
  },
  async context(stream, event, context) {
    stream.end(JSON.stringify({ members: Object.keys(context).sort(), remaining: context.getRemainingTimeInMillis() > 0 }));
  },
};

export const handler = awslambda.streamifyResponse((event, stream, context) => ACTS[asked(event).do](stream, asked(event), context));
export const notAsync = awslambda.streamifyResponse((event, stream) => void stream.end('x'));
/** One that does not stream, for callers who could take it so. */
export const buffered = async (event) => (event.requestContext === undefined ? { got: event } : { statusCode: 201, headers: { 'x-own': 'yes' }, body: 'whole' });
