import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { EXAMPLES, REPOSITORY } from './examples-folder.ts';

const run = promisify(execFile);

/** A Python with an example's requirements, made once and kept under .venv; or why there is none. */
export async function pythonWith(example: string): Promise<{ python: string } | { missing: string }> {
  const requirements = join(EXAMPLES, example, 'requirements.txt');
  let version: string;
  try {
    version = execFileSync('python3', ['-c', 'import sys; assert sys.version_info >= (3, 11); print(sys.version)'], { encoding: 'utf8' });
  } catch {
    return { missing: 'no python3 of version 3.11 or later' };
  }
  const digest = createHash('sha256').update(version).update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const folder = join(REPOSITORY, '.venv', `${example}-${digest}`);
  const [python, complete] = [join(folder, 'bin', 'python'), join(folder, 'complete')];
  if (existsSync(complete)) return { python };
  try {
    await run('python3', ['-m', 'venv', '--clear', folder]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--retries', '1', '-r', requirements], { timeout: 300_000 });
    writeFileSync(complete, '');
    return { python };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    return {
      missing: `its requirements cannot be installed: ${(error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? String(error)}`,
    };
  }
}

const LOOP = `
import json, sys, importlib
handler = importlib.import_module("lambda_function").lambda_handler
class Context: aws_request_id = "test"
for line in sys.stdin:
    print(json.dumps(handler(json.loads(line), Context())), flush=True)
`;

/** A Python handler called directly: one event in, one answer out, in order. */
export function startHandler(python: string, example: string, environment: Record<string, string> = {}) {
  const folder = join(EXAMPLES, example);
  const env = { ...process.env, LAMBDA_TASK_ROOT: folder, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1', ...environment };
  const child = spawn(python, ['-c', LOOP], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async call<Answer>(event: unknown): Promise<Answer> {
      child.stdin.write(`${JSON.stringify(event)}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`${example} ended without an answer`);
      return JSON.parse(value) as Answer;
    },
    /** Threads of the process, as Linux counts them. */
    threads: () => Number(/^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]),
    async stop(): Promise<void> {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      await exited;
    },
  };
}
