import { constants } from 'node:os';
import koffi, { type TypeObject } from 'koffi';

/** bpf(2), by architecture. */
const SYSCALL: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };
const MAP_CREATE = 0;
const MAP_LOOKUP = 1;
const MAP_UPDATE = 2;
const MAP_DELETE = 3;
const MAP_NEXT_KEY = 4;
const PROG_LOAD = 5;
const PROG_ATTACH = 8;
const HASH = 1;
const NO_PREALLOC = 1;
const CGROUP_SOCK_ADDR = 18;
/** Programs that others have attached above or below go on being asked. */
const ALLOW_MULTI = 2;
/** As many as libbpf makes. */
const LOAD_ATTEMPTS = 5;
const INSTRUCTION_BYTES = 8;
const MOST_VALUE_BYTES = 8;

const CREATE = koffi.struct({ type: 'uint32', key: 'uint32', value: 'uint32', entries: 'uint32', flags: 'uint32' });
const ELEMENT = koffi.struct({ map: 'uint32', pad: 'uint32', key: 'void *', next: 'void *', flags: 'uint64' });
const LOAD = koffi.struct({
  type: 'uint32',
  count: 'uint32',
  instructions: 'void *',
  license: 'void *',
  logLevel: 'uint32',
  logSize: 'uint32',
  log: 'void *',
  kernel: 'uint32',
  flags: 'uint32',
  name: koffi.array('uint8', 16),
  interface: 'uint32',
  at: 'uint32',
});
const ATTACH = koffi.struct({ to: 'uint32', program: 'uint32', at: 'uint32', flags: 'uint32' });

type Call = (number: number, command: number, attributes: object, bytes: number) => number;

/** The part of bpf(2) that gives cgroups programs of their own. Descriptors are the caller's to close. All throw with the kernel's error number. */
export interface Bpf {
  /** A hash table. */
  createMap(keyBytes: number, valueBytes: number, entries: number): number;
  /** A program that is asked about addresses of sockets (BPF_PROG_TYPE_CGROUP_SOCK_ADDR). */
  loadProgram(code: Buffer, at: number): number;
  /** Has a program asked about the sockets of a cgroup, given as the descriptor of its folder, and of those below; for as long as the cgroup is there. */
  attach(cgroup: number, program: number, at: number): void;
  /** The value of a key, 32 bits of it; null: it has none. */
  get(map: number, key: Buffer): number | null;
  put(map: number, key: Buffer, value: number): void;
  remove(map: number, key: Buffer): void;
  /** Removes the entries whose key of so many bytes begins with one of those. Walks through all there are. */
  removeAll(map: number, prefixes: readonly Buffer[], keyBytes: number): void;
}

/** Binds the call. Throws where there is none. */
export function loadBpf(): Bpf {
  const number = SYSCALL[process.arch];
  if (process.platform !== 'linux' || number === undefined) throw new Error(`no bpf(2) on ${process.platform} ${process.arch}`);
  const libc = koffi.load(null);
  const as = (type: TypeObject) => libc.func('syscall', 'long', ['long', 'int', koffi.pointer(type), 'uint']) as Call;
  const [create, element, load, attach] = [as(CREATE), as(ELEMENT), as(LOAD), as(ATTACH)];
  const done = (result: number, what: string): number => {
    if (result < 0) throw new Error(`${what} failed with errno ${koffi.errno()}`);
    return result;
  };
  const on = (command: number, entry: { map: number; key: Buffer | null; next: Buffer | null }): boolean =>
    element(number, command, { ...entry, pad: 0, flags: 0 }, koffi.sizeof(ELEMENT)) === 0;
  return {
    createMap(key, value, entries) {
      const map = { type: HASH, key, value, entries, flags: NO_PREALLOC };
      return done(create(number, MAP_CREATE, map, koffi.sizeof(CREATE)), 'creating a BPF map');
    },
    loadProgram(code, at) {
      const program = {
        type: CGROUP_SOCK_ADDR,
        count: code.length / INSTRUCTION_BYTES,
        instructions: code,
        license: Buffer.from('GPL\0'),
        logLevel: 0,
        logSize: 0,
        log: null,
        kernel: 0,
        flags: 0,
        name: Array.from({ length: 16 }, () => 0),
        interface: 0,
        at,
      };
      for (let left = LOAD_ATTEMPTS; ; left--) {
        const loaded = load(number, PROG_LOAD, program, koffi.sizeof(LOAD));
        const again = loaded < 0 && left > 1 && koffi.errno() === constants.errno.EAGAIN; // a signal came while the kernel verified it
        if (!again) return done(loaded, `loading a BPF program for hook ${at}`);
      }
    },
    attach(cgroup, program, at) {
      done(
        attach(number, PROG_ATTACH, { to: cgroup, program, at, flags: ALLOW_MULTI }, koffi.sizeof(ATTACH)),
        `attaching a BPF program to hook ${at}`,
      );
    },
    get(map, key) {
      const value = Buffer.alloc(MOST_VALUE_BYTES);
      return on(MAP_LOOKUP, { map, key, next: value }) ? value.readUInt32LE() : null;
    },
    put(map, key, value) {
      const next = Buffer.alloc(MOST_VALUE_BYTES);
      next.writeUInt32LE(value);
      done(on(MAP_UPDATE, { map, key, next }) ? 0 : -1, 'writing to a BPF map');
    },
    remove: (map, key) => void on(MAP_DELETE, { map, key, next: null }),
    removeAll(map, prefixes, keyBytes) {
      const found: Buffer[] = [];
      const next = Buffer.alloc(keyBytes);
      for (let key: Buffer | null = null; on(MAP_NEXT_KEY, { map, key, next }); key = Buffer.from(next))
        if (prefixes.some((prefix) => next.subarray(0, prefix.length).equals(prefix))) found.push(Buffer.from(next));
      for (const key of found) on(MAP_DELETE, { map, key, next: null });
    },
  };
}
