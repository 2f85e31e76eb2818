import type { ConfineStep } from '../runtimes/protocol.ts';
import type { Abilities } from './abilities.ts';
import { everyCpu, oneCpu } from './affinity.ts';
import { ids } from './ids.ts';
import { layout, type LayoutInput } from './layout.ts';
import { privileges } from './privileges.ts';
import { PROCESSES, rlimits } from './rlimits.ts';
import { session } from './session.ts';
import { privateTmp, temporaryDirectory } from './temporary.ts';
import { covers } from './visibility.ts';

interface Common {
  readonly abilities: Abilities;
  /** Paths that must stay visible: interpreter, shims, koffi, task root, dependencies, and for a parent the sockets of its children. */
  readonly needed: readonly string[];
  readonly ephemeralStorageMb: number;
  readonly hostname: string;
}

/** A function process, forked from a runtime zygote that has all the privileges the server has. */
export interface FunctionInput extends Common {
  readonly kind: 'function';
  readonly functionId: string;
  /** Directories nobody's function needs to see, or can't pass through: see visibility.ts. */
  readonly hide: readonly string[];
  /** The CPU of the init phase; null: all, for a process that will serve itself. */
  readonly initCpu: number | null;
  /** What it finds under Lambda's names; null: nothing, since every mount costs every start, and few functions ask for it. */
  readonly layout: LayoutInput | null;
  /** File of the cgroup that has the instance's own loopback (loopback/); null: it has the machine's. */
  readonly loopback: string | null;
}

/** An instance, forked from a snapshot that has given up its privileges. */
export interface InstanceInput extends Common {
  readonly kind: 'instance';
  /** A private directory to use where /tmp can't be private. */
  readonly temporary: string;
}

const NAMESPACES = ['mount', 'ipc', 'uts'] as const;

/**
 * The steps that confine a new process, in order. Only what this machine is known not to have is left out; what it should have but
 * might refuse in a corner (an instance's user namespace) is optional, and its failure is reported by the process itself.
 */
export function confinement(input: FunctionInput | InstanceInput): ConfineStep[] {
  if (!input.abilities.linux) return [];
  return input.kind === 'function' ? functionSteps(input) : instanceSteps(input);
}

/**
 * Whether the process has to be given a private directory, which somebody has to make and remove: an instance with a step, a function process
 * as TMPDIR in its environment, which replaces what a step would set.
 */
export function needsTemporary(kind: 'function' | 'instance', a: Abilities): boolean {
  if (!a.linux) return true;
  return a.noUserNamespaces !== null && (kind === 'instance' || !a.root || a.noMounts !== null);
}

function functionSteps(input: FunctionInput): ConfineStep[] {
  const { abilities: a, needed, hide } = input;
  const byPrivilege = a.root && a.noMounts === null;
  // The umask first: what covers a directory makes directories in it.
  const steps: ConfineStep[] = [...session(), ...rlimits(a.root && a.ids !== null), { op: 'umask', mask: 0o022 }];
  if (input.loopback !== null) steps.push({ op: 'cgroup', path: input.loopback, optional: true });
  if (input.initCpu !== null) steps.push(oneCpu(input.initCpu));
  if (byPrivilege || a.noUserNamespaces === null) {
    steps.push({ op: 'unshare', namespaces: byPrivilege ? NAMESPACES : ['user', ...NAMESPACES] });
    steps.push(...covers(hide, needed, ['/tmp']), privateTmp(input.ephemeralStorageMb, needed));
    if (input.layout !== null) steps.push(...layout(input.layout));
    steps.push({ op: 'hostname', name: input.hostname, optional: true });
  }
  if (a.root && a.ids !== null) steps.push(ids(input.functionId, a.ids));
  return [...steps, ...privileges()];
}

function instanceSteps(input: InstanceInput): ConfineStep[] {
  const steps: ConfineStep[] = [];
  if (input.abilities.noUserNamespaces === null) {
    steps.push({ op: 'unshare', namespaces: ['user', ...NAMESPACES], ...PROCESSES, optional: true });
    steps.push({ ...privateTmp(input.ephemeralStorageMb, input.needed), inherits: true, optional: true });
    steps.push({ op: 'hostname', name: input.hostname, optional: true });
  } else steps.push(temporaryDirectory(input.temporary));
  // Linux gives each session the same share of the processors (sched_autogroup): until they have theirs, all that start take the one of their parent from what is served.
  return [...steps, everyCpu(), ...session(), ...privileges()];
}
