import { readFileSync } from 'node:fs';
import { HttpSocket, now } from '../load/http-socket.ts';
import type { EvictTo } from '../../src/client/answers.ts';
import { BenchHearth } from '../hearth.ts';
import { inRepository } from '../paths.ts';
import { type Contender, EVENT } from './contender.ts';
import { call } from './first-answer.ts';

/** Hearth as it is installed: nothing turned off, on the same home from one start to the next, the function deployed before. */
export const hearth: Contender = {
  name: 'hearth',
  get version() {
    return (JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as { version: string }).version;
  },
  cold: 'call',
  coldIs: 'the server is up; nothing of the function or its runtime is resident (rung disk)',
  lacks: 'the lightness of threads and isolates (a process for each concurrent call), an emulation of API Gateway',
  start: async ({ releases }) => {
    const home = await BenchHearth.makeHome(releases);
    const first = await BenchHearth.start(releases, home);
    await first.deploy('bench/functions/hearth.yaml', 'echo');
    await first.stop();
    const startedMs = now();
    const running = await BenchHearth.start(releases, home);
    const target = running.target('echo', EVENT);
    const coldAgain = async (rung: string): Promise<number> => {
      await running.client.evict('echo', rung as EvictTo);
      const socket = new HttpSocket(running.port);
      try {
        await socket.open();
        const called = await call(socket, target);
        if ('error' in called) throw new Error(called.error);
        return called.ms;
      } finally {
        socket.close();
      }
    };
    const firstCallMs = await coldAgain('disk');
    return { target, startMs: now() - startedMs, firstCallMs, coldAgain, stop: () => running.stop() };
  },
};
