import { request } from 'node:http';
import { signature } from './signature.mjs';

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Tells each event to the address that it names (`post`): its number, the request id and the trace. Does what the event says: `fail`, `ms`, `again` (calls itself by this endpoint), `calls` (another function, and answers with its answer). */
export async function handler(event, context) {
  if (event.ms) await wait(event.ms);
  if (event.post) await post(event.post, { n: event.n, requestId: context.awsRequestId, trace: process.env._X_AMZN_TRACE_ID, event });
  if (event.fail) throw new Error(event.fail);
  if (event.again) await again(event, context);
  return { n: event.n, ...(event.calls && { called: await call(event.calls) }) };
}

function post(url, body) {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST' }, (answer) => answer.resume().on('end', resolve));
    outgoing.on('error', reject);
    outgoing.end(JSON.stringify(body));
  });
}

function again(event, context) {
  return new Promise((resolve, reject) => {
    const url = new URL(`${event.again}/2015-03-31/functions/${context.functionName}/invocations`);
    const asked = { 'x-amz-invocation-type': 'Event', 'x-amzn-trace-id': process.env._X_AMZN_TRACE_ID };
    const body = JSON.stringify(event);
    const headers = { ...asked, ...signature({ method: 'POST', url, body, headers: asked }, process.env) };
    const outgoing = request(url, { method: 'POST', headers }, (answer) => answer.resume().on('end', resolve));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function call({ functionName, event }) {
  return new Promise((resolve, reject) => {
    const url = new URL(`${process.env.AWS_ENDPOINT_URL}/2015-03-31/functions/${functionName}/invocations`);
    const body = JSON.stringify(event);
    const outgoing = request(url, { method: 'POST', headers: signature({ method: 'POST', url, body }, process.env) }, async (answer) => {
      let text = '';
      for await (const chunk of answer) text += chunk;
      resolve(JSON.parse(text));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
