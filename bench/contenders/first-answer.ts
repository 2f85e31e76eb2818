import type { Program } from '../leash/start.ts';
import { HttpSocket, now, type Received } from '../load/http-socket.ts';
import { requestBytes, type Target } from '../load/plan.ts';
import { EVENT } from './contender.ts';

const LIMIT_MS = 60_000;
/** These tools announce nothing that all of them share; what they cost by being asked is a refused connection every so often. */
const ASK_EVERY_MS = 5;

/**
 * Waits until a program that was started at `startedMs` answers with what it was sent. Rejects with its last words when it ended, and
 * after a minute.
 */
export async function firstAnswer(program: Program, target: Target, startedMs: number): Promise<{ startMs: number; firstCallMs: number }> {
  const socket = new HttpSocket(target.port);
  let why = 'it did not listen';
  try {
    while (now() - startedMs < LIMIT_MS) {
      if (!program.isRunning()) throw new Error(`it ended:\n${program.lastWords()}`);
      const called = await socket.open().then(
        () => call(socket, target),
        (error: unknown) => ({ error: String(error) }),
      );
      if ('ms' in called) return { startMs: called.atMs - startedMs, firstCallMs: called.ms };
      why = called.error;
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
    throw new Error(`no answer within ${LIMIT_MS} ms: ${why}\n${program.lastWords()}`);
  } finally {
    socket.close();
  }
}

/** One call on a standing connection, checked: an answer that echoes nothing is a failure. */
export async function call(socket: HttpSocket, target: Target): Promise<{ ms: number; atMs: number } | { error: string }> {
  const sentMs = now();
  const received = await new Promise<Received>((resolve) => socket.send(requestBytes(target), resolve));
  if ('error' in received) return { error: received.error.message };
  const { answer, atMs } = received;
  const text = answer.body.toString();
  if (answer.status !== 200 || text !== JSON.stringify(EVENT)) return { error: `status ${answer.status}: ${text.slice(0, 300)}` };
  return { ms: atMs - sentMs, atMs };
}
