import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StartSpec } from '../../fleet/driver.ts';
import type { ConfineStep } from '../../runtimes/protocol.ts';
import { confinement } from '../../sandbox/confinement.ts';
import type { LoopbackUse } from '../../sandbox/loopback/loopbacks.ts';
import { OWN_HOSTS, type LayoutInput } from '../../sandbox/layout.ts';
import type { ForkDriverOptions } from './options.ts';
import { hiddenPaths } from './surroundings.ts';
import { wrapperOf } from './wrapper.ts';

/** The steps that confine a process which runs a function's code from its init phase on. `initCpu`: see FunctionInput. */
export function confineFunction(
  options: ForkDriverOptions,
  spec: StartSpec,
  o: { readonly needed: readonly string[]; readonly initCpu: number | null; readonly loopback: LoopbackUse | null },
): ConfineStep[] {
  const { version } = spec;
  return confinement({
    kind: 'function',
    abilities: options.abilities,
    needed: o.needed,
    ephemeralStorageMb: version.ephemeralStorageMb,
    hostname: hostname(version.name),
    functionId: version.functionId,
    hide: hiddenPaths(options, o.needed),
    initCpu: o.initCpu,
    layout: layoutOf(options, spec),
    loopback: o.loopback?.path ?? null,
  });
}

/** What can't be done without namespaces of one's own, and must not be tried in the machine's. */
const NAMESPACED: ReadonlySet<ConfineStep['op']> = new Set(['unshare', 'mask', 'show', 'hostname']);

/**
 * The same for a process that was not forked but spawned, in a session of its own, and takes them before it greets. `lacks`: what of it can't be had there,
 * in words, or null. Node.js has threads by then, and Linux gives such a process no user namespace.
 */
export function confineSpawned(
  options: ForkDriverOptions,
  spec: StartSpec,
  o: { readonly needed: readonly string[]; readonly loopback: LoopbackUse | null },
): { readonly steps: ConfineStep[]; readonly lacks: string | null } {
  const steps = confineFunction(options, spec, { ...o, initCpu: null }).filter(({ op }) => op !== 'setsid');
  const inUserNamespace = steps.some((step) => step.op === 'unshare' && step.namespaces.includes('user'));
  if (spec.version.runtime.startsWith('python') || !inUserNamespace) return { steps, lacks: null };
  const lacks =
    'private /tmp, own IPC objects and host name: it takes a user namespace, and Node.js, which has threads, gets none unless it is forked';
  return { steps: steps.filter(({ op }) => !NAMESPACED.has(op)), lacks };
}

/** Of functions that are likely to look: those with layers, a wrapper script or a runtime of their own. */
function layoutOf(options: ForkDriverOptions, { version, taskRoot, layersRoot = null }: StartSpec): LayoutInput | null {
  const custom = version.runtime.startsWith('provided');
  if (layersRoot === null && !custom && wrapperOf(version) === null) return null;
  const language = version.runtime.startsWith('python') ? 'python' : 'node';
  const hosts = layersRoot !== null && existsSync(join(layersRoot, 'extensions')) ? hostsFile(options) : null;
  return { taskRoot, layersRoot, runtimeRoot: custom ? taskRoot : join(options.shims, language), hosts };
}

/**
 * The machine's own names of hosts, which may change, and those that extensions listen on, on Lambda. Named after its content, and never replaced: a start
 * that is under way could not show what has been.
 */
function hostsFile({ runDirectory }: ForkDriverOptions): string {
  const text = `${OWN_HOSTS}${existsSync('/etc/hosts') ? readFileSync('/etc/hosts', 'utf8') : ''}`;
  const path = join(runDirectory, `hosts-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`);
  if (existsSync(path)) return path;
  const next = `${path}.next`;
  writeFileSync(next, text, { mode: 0o644 });
  renameSync(next, path);
  return path;
}

/** A function's name as a host name, for an instance with the beginning of its id: at most 63 characters. */
export function hostname(name: string, instanceId?: string): string {
  const end = instanceId === undefined ? '' : `-${instanceId.slice(0, 12)}`;
  return (
    name
      .toLowerCase()
      .replaceAll('_', '-')
      .slice(0, 63 - end.length) + end
  );
}
