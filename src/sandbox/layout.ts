import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfineStep } from '../runtimes/protocol.ts';

/** What a function is to find where Lambda has it. All of it must be among the paths that stay visible. */
export interface LayoutInput {
  readonly taskRoot: string;
  /** The function's layers, merged; null: none. */
  readonly layersRoot: string | null;
  /** What runs the function: Hearth's shim of its language. */
  readonly runtimeRoot: string;
  /** What is to be /etc/hosts: knows the names that Lambda's machines have for themselves. Null: what this machine has. */
  readonly hosts: string | null;
}

/** The names under which an extension knows its own machine on Lambda, for a file that hosts(5) describes. */
export const OWN_HOSTS = '127.0.0.1 sandbox.localdomain sandbox\n';

/**
 * /opt with what the layers have, /var/task and /var/runtime, read-only, beside whatever else lies there. Optional: a machine that has no /opt or no
 * /var, or lets nothing be mounted over them, says so once and goes on; the variables name where everything really lies.
 */
export function layout({ taskRoot, layersRoot, runtimeRoot, hosts }: LayoutInput): ConfineStep[] {
  const steps: ConfineStep[] = [{ op: 'show', target: '/var', entries: { task: taskRoot, runtime: runtimeRoot }, optional: true }];
  if (hosts !== null) steps.push({ op: 'show', target: '/etc', entries: { hosts }, optional: true });
  if (layersRoot === null) return steps;
  const entries = Object.fromEntries(readdirSync(layersRoot).map((name) => [name, join(layersRoot, name)]));
  return [...steps, { op: 'show', target: '/opt', entries, optional: true }];
}

/** A path of a function's own as it lies on this machine, where Lambda's name for it may not lead there. */
export function onThisMachine(path: string, { taskRoot, layersRoot }: Pick<LayoutInput, 'taskRoot' | 'layersRoot'>): string {
  if (layersRoot !== null && path.startsWith('/opt/')) return join(layersRoot, path.slice('/opt/'.length));
  return path.startsWith('/var/task/') ? join(taskRoot, path.slice('/var/task/'.length)) : path;
}
