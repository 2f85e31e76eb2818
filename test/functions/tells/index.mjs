import { readdirSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';

const madeAt = Date.now();
const random = [Math.random(), randomUUID()];
let invocations = 0;
let inFlight = 0;
let mostInFlight = 0;

/** Tells what an instance is, has and may do; sleeps on demand. */
export async function handler(event, context) {
  invocations++;
  mostInFlight = Math.max(mostInFlight, ++inFlight);
  console.log(`asked for ${event.ask}`);
  if (event.write) writeFileSync(event.write, 'mine');
  if (event.ms) await new Promise((resolve) => setTimeout(resolve, event.ms));
  inFlight--;
  const left = context.getRemainingTimeInMillis();
  return {
    madeAt,
    inInit: random,
    now: [Math.random(), randomUUID()],
    pid: process.pid,
    uid: process.getuid(),
    invocations,
    mostInFlight,
    tmp: readdirSync('/tmp'),
    codeWritable: attempt(() => writeFileSync(`${process.env.LAMBDA_TASK_ROOT}/new`, '')),
    environment: event.ask === 'environment' ? process.env : null,
    context: event.ask === 'context' ? { ...context, left } : null,
    text: process.env.TEXT,
  };
}

function attempt(work) {
  try {
    work();
    return true;
  } catch (error) {
    return error.code;
  }
}
