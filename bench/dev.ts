import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Bench } from './bench.ts';
import { BenchHearth } from './hearth.ts';
import { startProgram } from './leash/start.ts';
import { HttpSocket } from './load/http-socket.ts';
import { requestBytes } from './load/plan.ts';
import { chosen } from './options.ts';
import { builtFile } from './paths.ts';
import { runtimeHere } from './runtimes.ts';
import { round, summarize } from './stats.ts';

const LANGUAGES = [
  { function: 'hello-node', runtime: 'nodejs20.x', file: 'index.mjs', code: (n: number) => `export const handler = async () => ${n};\n` },
  {
    function: 'hello-python',
    runtime: 'python3.11',
    file: 'index.py',
    code: (n: number) => `def handler(event, context):\n    return ${n}\n`,
  },
] as const;

/** Between two saves: what is measured has come to rest by then. */
const PAUSE_MS = 500;
const PATIENCE_MS = 20_000;

export const dev: Bench = {
  name: 'dev',
  what: 'hearth dev: from saving a handler to an answer of the new code',
  run: async ({ options, releases, tell }) => {
    const names = chosen(
      'only',
      options.only,
      LANGUAGES.map((l) => l.function),
    );
    const hearth = await BenchHearth.start(releases, await BenchHearth.makeHome(releases));
    const rows: { function: string; n: number; p50: number; p90: number; max: number }[] = [];
    const notes: string[] = [];
    for (const language of LANGUAGES.filter((l) => names.includes(l.function))) {
      const folder = await mkdtemp(join(tmpdir(), 'hearth-bench-dev-'));
      releases.add(() => rm(folder, { recursive: true, force: true }));
      const save = (n: number): Promise<void> => writeFile(join(folder, language.file), language.code(n));
      const runtime = await runtimeHere(language.runtime).catch((error: Error) => error);
      if (runtime instanceof Error) {
        notes.push(`${language.function}: skipped: ${runtime.message}`);
        continue;
      }
      const declared = { runtime, handler: 'index.handler' };
      await writeFile(join(folder, 'hearth.yaml'), stringify({ functions: { [language.function]: declared } }));
      await save(-1);
      const command = [process.execPath, builtFile('../src/cli/main.js'), 'dev', '--endpoint', `http://127.0.0.1:${hearth.port}`];
      const own = await mkdtemp(join(tmpdir(), 'hearth-bench-')); // what it prints must not look like a change
      releases.add(() => rm(own, { recursive: true, force: true }));
      const program = await startProgram({ command, cwd: folder, env: process.env, folder: own });
      releases.add(() => program.stop());
      const socket = new HttpSocket(hearth.port);
      releases.add(async () => socket.close());
      const request = requestBytes(hearth.target(language.function, {}));
      const count = options.n ?? 30;
      const times: number[] = [];
      try {
        await answers(socket, request, '-1');
        for (let n = 0; n < count; n++) {
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
          const savedMs = performance.now();
          await save(n);
          await answers(socket, request, String(n));
          times.push(performance.now() - savedMs);
        }
      } catch (error) {
        notes.push(`${language.function}: ${(error as Error).message}: ${program.lastWords()}`);
        continue;
      }
      const { p50, p90 } = summarize(Float64Array.from(times));
      rows.push({ function: language.function, n: count, p50: round(p50, 0), p90: round(p90, 0), max: round(Math.max(...times), 0) });
      tell(`${language.function}: p50 ${rows.at(-1)?.p50} ms`);
      await program.stop();
    }
    const table = {
      title: 'From saving a handler to the first answer of the new code, ms; asked again and again, so a few of it are the question',
      columns: ['function', 'n', 'p50', 'p90', 'max'],
      rows: rows.map((r) => [r.function, r.n, r.p50, r.p90, r.max]),
    };
    return { tables: [table], notes, figures: { rows } };
  },
};

/** Asks until the answer is `wanted`. */
async function answers(socket: HttpSocket, request: Buffer, wanted: string): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  while (performance.now() < until) {
    await socket.open();
    const received = await new Promise<Parameters<Parameters<HttpSocket['send']>[1]>[0]>((resolve) => socket.send(request, resolve));
    if ('answer' in received && received.answer.body.toString() === wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`no answer of the new code within ${PATIENCE_MS} ms`);
}
