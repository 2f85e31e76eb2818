// A worker thread per instance, all of them in one process: `threads.js HANDLER`. `start` makes one more; an event goes to all.
import { pathToFileURL } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

type Handler = (event: unknown) => Promise<unknown>;

if (isMainThread) {
  const threads: Worker[] = [];
  process.once('disconnect', () => process.exit());
  process.on('message', (message) => {
    if (message !== 'start') return threads.at(-1)?.postMessage(message);
    const thread = new Worker(new URL(import.meta.url), { workerData: process.argv[2] });
    thread.on('message', (said) => process.send?.(said));
    threads.push(thread);
  });
  process.send?.('ready');
} else {
  const { handler } = (await import(pathToFileURL(workerData as string).href)) as { handler: Handler };
  parentPort?.on('message', (event) => {
    void handler(event).then((answer) => parentPort?.postMessage(answer, []));
  });
  parentPort?.postMessage('ready', []);
}
