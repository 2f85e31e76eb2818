import { setTimeout as sleep } from 'node:timers/promises';
import { HttpSocket, now, openAll } from './http-socket.ts';
import { type LoadResult, type Plan, requestBytes } from './plan.ts';
import { Recorder } from './recorder.ts';

/** One request a connection, all written in one turn of the loop, once every connection stands. */
export async function burst(plan: Extract<Plan, { mode: 'burst' }>, onStart: (startedMs: number) => void): Promise<LoadResult> {
  const request = requestBytes(plan.target);
  const sockets = Array.from({ length: plan.connections }, () => new HttpSocket(plan.target.port));
  try {
    await openAll(sockets);
    await sleep(Math.max(0, (plan.notBeforeMs ?? 0) - Date.now()));
    onStart(Date.now());
    const recorder = new Recorder({ keepBodies: true });
    const limit = setTimeout(() => sockets.forEach((socket) => socket.close()), plan.seconds * 1000);
    await Promise.all(
      sockets.map(
        (socket) =>
          new Promise<void>((resolve) => {
            const sentMs = now();
            socket.send(request, (received) => {
              recorder.note(sentMs, received);
              resolve();
            });
          }),
      ),
    );
    clearTimeout(limit);
    return recorder.result();
  } finally {
    for (const socket of sockets) socket.close();
  }
}
