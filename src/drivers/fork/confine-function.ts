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
