import { closeSync } from 'node:fs';
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
const BTF_LOAD = 18;
const HASH = 1;
const SK_STORAGE = 24;
const NO_PREALLOC = 1;
/** A socket that is accepted has the value of the one that listens. */
const CLONE = 1 << 9;
/** Types of programs (enum bpf_prog_type): asked about addresses of sockets, told of sockets themselves, and of their options. */
const TYPES = { address: 18, socket: 9, option: 25 } as const;
/** Programs that others have attached above or below go on being asked. */
const ALLOW_MULTI = 2;
/** As many as libbpf makes. */
const LOAD_ATTEMPTS = 5;
const INSTRUCTION_BYTES = 8;
const MOST_VALUE_BYTES = 8;

/** What a map that belongs to sockets has to tell of its keys and values (BTF): one type, the first, an `int` of 32 bits. */
const INT_TYPE = 1;
const INT_BTF = intDescription();
const CREATE = koffi.struct({
  type: 'uint32',
  key: 'uint32',
  value: 'uint32',
  entries: 'uint32',
  flags: 'uint32',
  inner: 'uint32',
  node: 'uint32',
  name: koffi.array('uint8', 16),
  device: 'uint32',
  btf: 'uint32',
  keyType: 'uint32',
  valueType: 'uint32',
});
const NO_NAME = Array.from({ length: 16 }, () => 0);
const NO_MAP = { entries: 0, flags: NO_PREALLOC, inner: 0, node: 0, name: NO_NAME, device: 0, btf: 0, keyType: 0, valueType: 0 };
const BTF = koffi.struct({ btf: 'void *', log: 'void *', size: 'uint32', logSize: 'uint32', logLevel: 'uint32' });
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

/** The call with a command and its attributes, as that type has them. */
type Ask = (command: number, type: TypeObject, attributes: object) => number;

/** The part of bpf(2) that gives cgroups programs of their own. Descriptors are the caller's to close. All throw with the kernel's error number. */
export interface Bpf {
  /** A hash table. */
  createMap(keyBytes: number, valueBytes: number, entries: number): number;
  /** A number of 32 bits for each socket that a program gives one, for as long as the socket is there. */
  createSocketMap(): number;
  /** A program that is asked about addresses of sockets, or told of them or of their options. */
  loadProgram(kind: keyof typeof TYPES, code: Buffer, at: number): number;
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
  const bound = (type: TypeObject) => libc.func('syscall', 'long', ['long', 'int', koffi.pointer(type), 'uint']) as Call;
  const calls = new Map([CREATE, BTF, ELEMENT, LOAD, ATTACH].map((type) => [type, bound(type)]));
  const ask: Ask = (command, type, attributes) => calls.get(type)!(number, command, attributes, koffi.sizeof(type));
  return { ...making(ask), ...programs(ask), ...entries(ask) };
}

type Call = (number: number, command: number, attributes: object, bytes: number) => number;

function making(ask: Ask): Pick<Bpf, 'createMap' | 'createSocketMap'> {
  return {
    createMap: (key, value, entries) => done(ask(MAP_CREATE, CREATE, { ...NO_MAP, type: HASH, key, value, entries }), 'creating a BPF map'),
    createSocketMap() {
      const btf = done(
        ask(BTF_LOAD, BTF, { btf: INT_BTF, log: null, size: INT_BTF.length, logSize: 0, logLevel: 0 }),
        'describing a BPF map',
      );
      const int = { key: 4, value: 4, btf, keyType: INT_TYPE, valueType: INT_TYPE };
      try {
        const map = { ...NO_MAP, ...int, type: SK_STORAGE, flags: NO_PREALLOC | CLONE };
        return done(ask(MAP_CREATE, CREATE, map), 'creating a BPF map of sockets');
      } finally {
        closeSync(btf); // the map holds it
      }
    },
  };
}

function programs(ask: Ask): Pick<Bpf, 'loadProgram' | 'attach'> {
  return {
    loadProgram(kind, code, at) {
      const program = {
        type: TYPES[kind],
        count: code.length / INSTRUCTION_BYTES,
        instructions: code,
        license: Buffer.from('GPL\0'),
        logLevel: 0,
        logSize: 0,
        log: null,
        kernel: 0,
        flags: 0,
        name: NO_NAME,
        interface: 0,
        at,
      };
      for (let left = LOAD_ATTEMPTS; ; left--) {
        const loaded = ask(PROG_LOAD, LOAD, program);
        const again = loaded < 0 && left > 1 && koffi.errno() === constants.errno.EAGAIN; // a signal came while the kernel verified it
        if (!again) return done(loaded, `loading a BPF program for hook ${at}`);
      }
    },
    attach(cgroup, program, at) {
      done(ask(PROG_ATTACH, ATTACH, { to: cgroup, program, at, flags: ALLOW_MULTI }), `attaching a BPF program to hook ${at}`);
    },
  };
}

function entries(ask: Ask): Pick<Bpf, 'get' | 'put' | 'remove' | 'removeAll'> {
  const on = (command: number, entry: { map: number; key: Buffer | null; next: Buffer | null }): number =>
    ask(command, ELEMENT, { ...entry, pad: 0, flags: 0 });
  return {
    get(map, key) {
      const value = Buffer.alloc(MOST_VALUE_BYTES);
      return on(MAP_LOOKUP, { map, key, next: value }) < 0 ? null : value.readUInt32LE();
    },
    put(map, key, value) {
      const next = Buffer.alloc(MOST_VALUE_BYTES);
      next.writeUInt32LE(value);
      done(on(MAP_UPDATE, { map, key, next }), 'writing to a BPF map');
    },
    remove: (map, key) => void on(MAP_DELETE, { map, key, next: null }),
    removeAll(map, prefixes, keyBytes) {
      const found: Buffer[] = [];
      const next = Buffer.alloc(keyBytes);
      for (let key: Buffer | null = null; on(MAP_NEXT_KEY, { map, key, next }) === 0; key = Buffer.from(next))
        if (prefixes.some((prefix) => next.subarray(0, prefix.length).equals(prefix))) found.push(Buffer.from(next));
      for (const key of found) on(MAP_DELETE, { map, key, next: null });
    },
  };
}

function done(result: number, what: string): number {
  if (result < 0) throw new Error(`${what} failed with errno ${koffi.errno()}`);
  return result;
}

function intDescription(): Buffer {
  const header = [0x0001_eb9f, 24, 0, 16, 16, 5]; // magic and version; lengths and places: the header, the types, the names
  const int = [1, INT_TYPE << 24, 4, (1 << 24) | 32]; // its name is at 1; it is an integer of 4 bytes, signed, of 32 bits
  const names = [0x746e_6900, 0]; // '\0int\0', which ends before the words do
  return Buffer.from(Uint32Array.from([...header, ...int, ...names]).buffer).subarray(0, 45);
}
