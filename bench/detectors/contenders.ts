import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { HttpSocket, now, type Received } from '../load/http-socket.ts';
import { requestBytes } from '../load/plan.ts';
import { builtFile } from '../paths.ts';
import { type DetectorBundle, EVENT } from './bundle.ts';

/** Instances of one contender that have each answered once. */
interface Standing {
  /** From nothing of an instance to its first detection, ms, one for each. */
  readonly firstMs: readonly number[];
  /** Processes whose memory they are. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** Starts `count` instances, one after the other. */
export type Contender = (bundle: DetectorBundle, count: number) => Promise<Standing>;

/** A process with its own runtime and its own model for each. */
export const processes: Contender = async (bundle, count) => {
  const children: ChildProcess[] = [];
  const firstMs: number[] = [];
  await endedOnFailure(children, async () => {
    for (let i = 0; i < count; i++) {
      const startedMs = now();
      const child = start('process', bundle);
      children.push(child);
      await said(child);
      detected(await ask(child, EVENT));
      firstMs.push(now() - startedMs);
    }
  });
  return { firstMs, pids: children.map((child) => child.pid as number), stop: () => end(children) };
};

/** A thread with its own model for each, in one process that is there. */
export const threads: Contender = async (bundle, count) => {
  const child = start('threads', bundle);
  const firstMs: number[] = [];
  await endedOnFailure([child], async () => {
    await said(child);
    for (let i = 0; i < count; i++) {
      const startedMs = now();
      await ask(child, 'start');
      detected(await ask(child, EVENT));
      firstMs.push(now() - startedMs);
    }
  });
  return { firstMs, pids: [child.pid as number], stop: () => end([child]) };
};

/** One server for all: the second caller waits for the first. `count` times started, the last one stays. */
export const server: Contender = async (bundle, count) => {
  const firstMs: number[] = [];
  for (let i = 1; ; i++) {
    const startedMs = now();
    const child = start('server', bundle);
    await endedOnFailure([child], async () => {
      const { port } = (await said(child)) as { port: number };
      detected(await post(port));
      firstMs.push(now() - startedMs);
    });
    if (i >= count) return { firstMs, pids: [child.pid as number], stop: () => end([child]) };
    await end([child]);
  }
};

function start(program: string, { handler, env }: DetectorBundle): ChildProcess {
  return fork(builtFile(`./detectors/${program}.js`), [handler], { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

/** Else they would keep their memory while the others are measured. */
async function endedOnFailure(children: readonly ChildProcess[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await end(children);
    throw error;
  }
}

/** Throws when an answer is none: what can't find its picture or its model would be the quickest. */
function detected(answer: unknown): void {
  const { statusCode } = answer as { statusCode?: unknown };
  if (statusCode !== 200) throw new Error(`no detection: ${JSON.stringify(answer).slice(0, 300)}`);
}

async function ask(child: ChildProcess, message: unknown): Promise<unknown> {
  child.send(message as object);
  return said(child);
}

/** The next thing it says. Rejects when it ends instead. */
function said(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`it ended with exit code ${code}`));
    child.once('exit', gone);
    child.once('message', (message) => {
      child.off('exit', gone);
      resolve(message);
    });
  });
}

async function post(port: number): Promise<unknown> {
  const socket = new HttpSocket(port);
  await socket.open();
  const request = requestBytes({ port, method: 'POST', path: '/', headers: {}, body: JSON.stringify(EVENT) });
  const received = await new Promise<Received>((resolve) => socket.send(request, resolve));
  socket.close();
  if ('error' in received) throw received.error;
  return JSON.parse(received.answer.body.toString());
}

async function end(children: readonly ChildProcess[]): Promise<void> {
  const gone = children.filter((child) => child.exitCode === null && child.signalCode === null).map((child) => once(child, 'exit'));
  for (const child of children) if (child.connected) child.disconnect();
  await Promise.all(gone);
}
