import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Program, startProgram } from '../leash/start.ts';
import { now } from '../load/http-socket.ts';
import { HOST, type Target } from '../load/plan.ts';
import { inRepository } from '../paths.ts';
import { EVENT, type Running, type Surroundings } from './contender.ts';
import { firstAnswer } from './first-answer.ts';

/** The bench-only package that the peers come in. */
export const PEERS = inRepository('bench/peers');

/** A file of an installed peer. */
export function peerFile(path: string): string {
  return join(PEERS, 'node_modules', path);
}

/** Which version is installed. Throws when none is. */
export function peerVersion(name: string): string {
  return (JSON.parse(readFileSync(peerFile(`${name}/package.json`), 'utf8')) as { version: string }).version;
}

/** Installs the peers as their lock says, without running anything of theirs. Resolves with npm's words when it fails. */
export async function installPeers(tell: (message: string) => void): Promise<string | null> {
  if (isInstalled()) return null;
  tell('installing the peers (npm ci in bench/peers)');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = ['ci', '--ignore-scripts', '--include=optional', '--no-audit', '--no-fund'];
  const child = spawn(npm, args, { cwd: PEERS, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      said += error.message;
      resolve(1);
    });
    child.once('close', resolve);
  });
  return code === 0 ? null : `npm ci failed: ${said.trim().split('\n').slice(-5).join(' ')}`;
}

/** npm writes its own record of what it installed at the end. */
function isInstalled(): boolean {
  const record = peerFile('.package-lock.json');
  return existsSync(record) && packages(record) === packages(join(PEERS, 'package-lock.json'));
}

/** The peers' own versions by a lock: what it must agree on. */
function packages(lock: string): string {
  const { packages: all } = JSON.parse(readFileSync(lock, 'utf8')) as { packages: Record<string, { version?: string }> };
  const { dependencies } = JSON.parse(readFileSync(join(PEERS, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  return Object.keys(dependencies)
    .map((name) => `${name}@${all[`node_modules/${name}`]?.version}`)
    .join(' ');
}

export interface PeerProgram {
  command(port: number): Promise<readonly string[]> | readonly string[];
  readonly path: string;
  /** What it is sent, when that is not the event as it is. */
  readonly body?: unknown;
}

/** Starts a peer on a port of its own and waits for its first answer. */
export async function startPeer(peer: PeerProgram, { releases, folder }: Surroundings): Promise<Running> {
  const port = await freePort();
  const target: Target = {
    port,
    method: 'POST',
    path: peer.path,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(peer.body ?? EVENT),
  };
  const command = await peer.command(port);
  const startedMs = now();
  const program: Program = await startProgram({ command, cwd: PEERS, env: environment(folder), folder });
  releases.add(() => program.stop());
  try {
    const { startMs, firstCallMs } = await firstAnswer(program, target, startedMs);
    return { target, startMs, firstCallMs, stop: () => program.stop() };
  } catch (error) {
    await program.stop(); // else it would be at work while the others are measured
    throw error;
  }
}

/** Free a moment ago. Peers have no way to say which port they took. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, HOST, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** As in production, quiet, and with nothing left in the user's own folders. */
function environment(folder: string): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  const aws = { AWS_ACCESS_KEY_ID: 'none', AWS_SECRET_ACCESS_KEY: 'none', AWS_REGION: 'us-east-1' };
  const quiet = { SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off', NODE_ENV: 'production', NO_COLOR: '1' };
  return { PATH, HOME: folder, TMPDIR: folder, ...aws, ...quiet };
}
