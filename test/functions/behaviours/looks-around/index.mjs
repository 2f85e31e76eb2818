import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

const status = () => readFileSync('/proc/self/status', 'latin1');
const field = (name) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status())[1];

/** Tells what its process can see and do. */
export const handler = async (event) => {
  if (event.write) writeFileSync(event.write, 'here');
  return {
    uid: process.getuid(),
    capabilities: field('CapEff'),
    noNewPrivs: field('NoNewPrivs'),
    cpus: field('Cpus_allowed_list'),
    session: execFileSync('ps', ['-o', 'sid=', '-p', String(process.pid)]).toString().trim() === String(process.pid),
    hostname: hostname(),
    tmp: readdirSync('/tmp'),
    tmpdir: process.env.TMPDIR ?? null,
    exists: (event.exists ?? []).map((path) => existsSync(path)),
    environment: Object.keys(process.env),
    random: Math.random(),
  };
};
