import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from '../../lib/clock.ts';
import { type Bpf, loadBpf } from './bpf.ts';
import { makeApart, makeThreaded, ownFolder, PREFIX, remove, removeTree, sweep } from './cgroups.ts';
import { ADDRESS_BYTES, hooks, type Maps, PORT_KEY_BYTES, tcpKey, VALUE_BYTES } from './hooks.ts';

/** Ports that all instances of a machine may listen on together. */
const MOST_PORTS = 65_536;
/** Instances of a server that have a loopback of their own at once, with those that are leaving. */
const MOST_INSTANCES = 16_384;
const LOCALHOST = '127.0.0.1';
/** What has ended may have left processes that are being killed: their cgroup is removed when they are gone. */
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5_000;

export interface LoopbacksOptions {
  readonly clock: Clock;
  /** One sentence for whoever runs the server. */
  readonly warn: (message: string) => void;
}

/** A server's among those of one process. */
let opened = 0;

/** A cgroup with a loopback of its own. */
interface Own {
  readonly folder: string;
  readonly address: Buffer;
  uses: number;
}

/** A process's share in a loopback. */
export interface LoopbackUse {
  /** The file that the process writes itself into. */
  readonly path: string;
  /** The process has ended. Idempotent. */
  readonly release: () => void;
}

/**
 * Loopbacks of instances' own, as each has on Lambda: what listens on a port of localhost, or of all addresses, is reached by its own instance there, and by
 * no other instance; all else of the network is the machine's. An instance is a cgroup (version 2, below the server's own, so that limits of the server hold for it),
 * and BPF programs that are attached to what all of them lie in see to its addresses. Threaded cgroups: a process can move itself into one at once, where
 * moving another takes the kernel ten milliseconds.
 */
export class Loopbacks {
  readonly #base: string;
  readonly #bpf: Bpf;
  readonly #maps: Maps;
  readonly #options: LoopbacksOptions;
  readonly #own = new Map<string, Own>();
  readonly #leaving = new Set<Own>();
  #timer: Timer | null = null;

  private constructor(base: string, parts: LoopbacksOptions & { readonly bpf: Bpf; readonly maps: Maps }) {
    this.#base = base;
    this.#bpf = parts.bpf;
    this.#maps = parts.maps;
    this.#options = parts;
  }

  /** Throws, with a sentence for whoever runs the machine, where there can be none. What servers that were killed have left is removed. */
  static open(options: LoopbacksOptions): Loopbacks {
    const parent = ownFolder();
    sweep(parent);
    const bpf = loadBpf();
    const base = join(parent, `${PREFIX}${process.pid}-${++opened}`);
    mkdirSync(base);
    const made: number[] = [];
    const kept = (descriptor: number): number => made[made.push(descriptor) - 1]!;
    try {
      makeThreaded(base);
      const maps = {
        ports: kept(bpf.createMap(PORT_KEY_BYTES, VALUE_BYTES, MOST_PORTS)),
        counts: kept(bpf.createMap(ADDRESS_BYTES, VALUE_BYTES, MOST_INSTANCES)),
        sixOnly: kept(bpf.createSocketMap()),
      };
      attachAll(bpf, base, maps);
      return new Loopbacks(base, { ...options, bpf, maps });
    } catch (error) {
      for (const descriptor of made) closeSync(descriptor);
      removeTree(base);
      throw error;
    }
  }

  /** A share in an instance's loopback, which is made for the first; null where the system has no more of them, and the instance makes do with the machine's. */
  enter(instanceId: string): LoopbackUse | null {
    const shared = this.#own.get(instanceId) ?? this.#make(instanceId);
    if (shared === null) return null;
    shared.uses++;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      if (--shared.uses > 0) return;
      this.#own.delete(instanceId);
      this.#leaving.add(shared);
      this.#removeSoon(FIRST_RETRY_MS);
    };
    return { path: join(shared.folder, 'cgroup.threads'), release };
  }

  /** The address at which the machine reaches what an instance listens on at a port of its localhost. */
  hostOf(instanceId: string, port: number): string {
    const address = this.#own.get(instanceId)?.address;
    return address !== undefined && this.#bpf.get(this.#maps.ports, tcpKey(address, port)) !== null ? address.join('.') : LOCALHOST;
  }

  #make(instanceId: string): Own | null {
    const folder = join(this.#base, instanceId);
    try {
      const live = [...this.#own.values(), ...this.#leaving];
      const address = makeApart(folder, (other) => live.some((l) => l.address.equals(other)));
      this.#bpf.put(this.#maps.counts, address, 0);
      const own = { folder, address, uses: 0 };
      this.#own.set(instanceId, own);
      return own;
    } catch (error) {
      remove(folder);
      this.#options.warn(`an instance has the machine's loopback, not its own: ${(error as Error).message}`);
      return null;
    }
  }

  /** All processes have ended. */
  close(): void {
    this.#timer?.cancel();
    for (const own of [...this.#own.values(), ...this.#leaving]) remove(own.folder);
    this.#own.clear();
    this.#leaving.clear();
    removeTree(this.#base);
    for (const map of Object.values(this.#maps) as number[]) closeSync(map);
  }

  /** What is noted of those that are gone. The ports of all are walked through for it, and not at all if these have none, as most. */
  #forget(addresses: readonly Buffer[]): void {
    const { ports, counts } = this.#maps;
    const listened = addresses.filter((address) => this.#bpf.get(counts, address) !== 0);
    for (const address of addresses) this.#bpf.remove(counts, address);
    if (listened.length > 0) this.#bpf.removeAll(ports, listened, PORT_KEY_BYTES);
  }

  #removeSoon(afterMs: number): void {
    if (this.#timer !== null) return;
    this.#timer = this.#options.clock.after(afterMs, () => {
      this.#timer = null;
      const gone = [...this.#leaving].filter((own) => remove(own.folder));
      for (const own of gone) this.#leaving.delete(own);
      this.#forget(gone.map((own) => own.address));
      if (this.#leaving.size > 0) this.#removeSoon(Math.min(afterMs * 2, LAST_RETRY_MS));
    });
  }
}

/** Why instances can't have loopbacks of their own here; null: they can. Found out by trying. */
export function noLoopbacks(clock: Clock): string | null {
  try {
    Loopbacks.open({ clock, warn: () => undefined }).close();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function attachAll(bpf: Bpf, folder: string, maps: Maps): void {
  const cgroup = openSync(folder, 'r');
  try {
    for (const { kind, at, code } of hooks(maps)) {
      const program = bpf.loadProgram(kind, code, at);
      try {
        bpf.attach(cgroup, program, at);
      } finally {
        closeSync(program); // attached, it stays
      }
    }
  } finally {
    closeSync(cgroup);
  }
}
