import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../../../bin/hearth', import.meta.url));

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** A child that does not outlive the test which disposes of it. */
export type Running = ChildProcess & AsyncDisposable & { readonly ended: Promise<Run> };

/** The command line as a child of its own, with an environment of its own; not at a terminal. */
export function start(args: readonly string[], options: RunOptions = {}): Running {
  const home = options.cwd ?? tmpdir();
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, HEARTH_HOME: join(home, '.hearth-of-test'), ...options.env };
  const child = spawn(process.execPath, [BIN, ...args], { cwd: home, env, stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdin.end(options.input ?? '');
  const ended = new Promise<Run>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  const dispose = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return Object.assign(child, { ended, [Symbol.asyncDispose]: dispose });
}

export function hearth(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return start(args, options).ended;
}

/** A folder that goes with the test. */
export async function folder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'hearth-cli-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Resolves once `text` has come on the stream. */
export function said(child: ChildProcess, stream: 'stdout' | 'stderr', text: string): Promise<void> {
  let soFar = '';
  return new Promise((resolve, reject) => {
    child[stream]?.on('data', (chunk: string) => {
      soFar += chunk;
      if (soFar.includes(text)) resolve();
    });
    child.once('close', () => reject(new Error(`ended without saying ${JSON.stringify(text)}; it said: ${soFar}`)));
  });
}
