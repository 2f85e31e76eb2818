import { HttpSocket, now } from './http-socket.ts';
import { type LoadResult, type Plan, requestBytes } from './plan.ts';
import { Recorder } from './recorder.ts';

/** Each connection sends its next request when it has its answer, until time is up; then the last answers are awaited. */
export async function closedLoop(plan: Extract<Plan, { mode: 'closed' }>): Promise<LoadResult> {
  const request = requestBytes(plan.target);
  const sockets = Array.from({ length: plan.connections }, () => new HttpSocket(plan.target.port));
  try {
    await Promise.all(sockets.map((socket) => socket.open()));
    const recorder = new Recorder();
    const endMs = now() + plan.seconds * 1000;
    await Promise.all(sockets.map((socket) => cycle(socket, { request, endMs, recorder })));
    return recorder.result();
  } finally {
    for (const socket of sockets) socket.close();
  }
}

interface Cycle {
  readonly request: Buffer;
  readonly endMs: number;
  readonly recorder: Recorder;
}

/** Callbacks, not promises: a promise a request would be the generator's own cost. */
function cycle(socket: HttpSocket, { request, endMs, recorder }: Cycle): Promise<void> {
  return new Promise((resolve) => {
    const again = (): void => {
      const sentMs = now();
      if (sentMs >= endMs || recorder.hopeless) return resolve();
      socket.send(request, (received) => {
        recorder.note(sentMs, received);
        if (socket.isOpen) return again();
        socket.open().then(
          () => again(),
          (error: unknown) => {
            recorder.fail(`can't connect again: ${String(error)}`);
            resolve();
          },
        );
      });
    };
    again();
  });
}
