import { Assembler } from './assembler.ts';

/** The kernel's numbers of the moments at which a program of ours is asked (enum bpf_attach_type). */
const BIND4 = 8;
const BIND6 = 9;
const CONNECT4 = 10;
const CONNECT6 = 11;
const POST_BIND6 = 13;
const SENDMSG4 = 14;
const RECVMSG4 = 19;
const RECVMSG6 = 20;
const SETSOCKOPT = 22;
const PEERNAME4 = 29;
const PEERNAME6 = 30;
const SOCKNAME4 = 31;
const SOCKNAME6 = 32;

// Helpers of the kernel's.
const MAP_LOOKUP = 1;
const MAP_UPDATE = 2;
const CURRENT_CGROUP_ID = 80;
const SOCKET_VALUE = 107;
/** Where a socket has no value yet it gets one. */
const CREATE = 1;

// struct bpf_sock_addr: addresses and port as the network writes them, each read as a little-endian number, as the machines are that Hearth runs on.
const IP4 = 4;
const IP6 = [8, 12, 16, 20] as const;
const PORT = 24;
const TYPE = 32;
const PROTOCOL = 36;
const SOCKET = 64;
const STREAM = 1;
const TCP = 6;
/** In keys, for TCP where IPv4 is refused. */
const SIX_ONLY = 0x106;
const ANY = 0;
/** 127.0.0.1 */
const LOOPBACK = 0x0100007f;
/** ::1, its last word. */
const LOOPBACK6 = 0x01000000;
/** ::ffff:a.b.c.d, its third word. */
const MAPPED = -0x10000;

/** struct bpf_sock: as the machine reads it. */
const BOUND_PORT = 44;

// struct bpf_sockopt
const OPTION = { socket: 0, value: 8, valueEnd: 16, level: 24, name: 28, length: 32 } as const;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** An instance's own loopback address: 127.64.0.0 and the end of its cgroup's id. */
const BASE = 0x7f400000;
const MASK = 0x3fffff;

/** What of an address tells whether it is an instance's own, and what it is then; as the machine reads it. */
const RANGE_MASK = 0xc0ff;
const RANGE = 0x407f;

/** Of ports: address, and port with protocol. */
export const PORT_KEY_BYTES = 8;
/** Of counts: address. */
export const ADDRESS_BYTES = 4;
export const VALUE_BYTES = 4;
/** Ports that one instance may have noted. */
const MOST_PORTS_EACH = 256;

/** Descriptors of the maps: ports that are noted; how many an address has, which without a count can have none; and of sockets whether they refuse IPv4, above that the port they asked for if it became another. */
export interface Maps {
  readonly ports: number;
  readonly counts: number;
  readonly sixOnly: number;
}

const KEY_AT = -8;
const VALUE_AT = -12;

/** A program and the moment that it is for. */
export interface Hook {
  readonly kind: 'address' | 'socket' | 'option';
  readonly at: number;
  readonly code: Buffer;
}

/** The address of an instance whose cgroup has that id, as it is in keys of the maps. */
export function addressOf(cgroupId: bigint): Buffer {
  const address = Buffer.alloc(ADDRESS_BYTES);
  address.writeUInt32BE(Number((cgroupId & BigInt(MASK)) | BigInt(BASE)));
  return address;
}

/** The key of a TCP port of an address. */
export function tcpKey(address: Buffer, port: number): Buffer {
  const key = Buffer.alloc(PORT_KEY_BYTES);
  key.set(address);
  key.writeUInt16BE(port, 4);
  key.writeUInt16LE(TCP, 6);
  return key;
}

/**
 * What gives each cgroup a loopback of its own. A bind to a port of localhost, or with TCP of any address, is to the same port of the cgroup's own address,
 * and the port is noted; a connection to a port of localhost goes there if it is noted, and to the machine's own localhost if not. Asked for the name of a
 * socket or of its peer, the kernel says localhost. A TCP socket that refuses IPv4 gets another port of `::1` instead, noted for the one it asked for. A bind
 * to a port of the kernel's choice clashes with nobody, and is left alone. The address of another cgroup is refused (EPERM), whatever is wanted of it: it is
 * no secret, anyone can read it in /proc/net/tcp.
 */
export function hooks(maps: Maps): Hook[] {
  const bind = { maps, any: streams, six: apart, next: note };
  const connect = { maps, any: (a: Assembler) => a, six: toApart, next: look };
  const addresses: [number, Buffer][] = [
    [BIND4, toOwn4(bind)],
    [BIND6, toOwn6(bind)],
    [CONNECT4, toOwn4(connect)],
    [CONNECT6, toOwn6(connect)],
    [SENDMSG4, toOwn4(connect)], // of ::ffff:a.b.c.d too; that of IPv6 may not change the family of its address
    ...[RECVMSG4, PEERNAME4, SOCKNAME4].map((at): [number, Buffer] => [at, toLocalhost4()]),
    ...[RECVMSG6, PEERNAME6].map((at): [number, Buffer] => [at, toLocalhost6(ownAddress(new Assembler()))]),
    [SOCKNAME6, toLocalhost6(saidPort(ownAddress(new Assembler()), maps))],
  ];
  return [
    ...addresses.map(([at, code]): Hook => ({ kind: 'address', at, code })),
    { kind: 'option', at: SETSOCKOPT, code: seeSixOnly(maps) },
    { kind: 'socket', at: POST_BIND6, code: noteApart(maps) },
  ];
}

interface Purpose {
  readonly maps: Maps;
  /** What is asked first where the address is 0.0.0.0 or `::`. */
  readonly any: (a: Assembler) => Assembler;
  /** And where it is `::` or `::1`, before that. */
  readonly six: (a: Assembler, maps: Maps) => Assembler;
  readonly next: (a: Assembler, maps: Maps) => Assembler;
}

function toOwn4({ maps, any, next }: Purpose): Buffer {
  const a = ownAddress(new Assembler()).load(2, 6, IP4).jumpIf(2, ANY, 'any').jumpIf(2, LOOPBACK, 'local');
  any(refuseOthers(a).label('any')).label('local');
  return end(next(key(a), maps).store(6, IP4, 7));
}

/** `::`, `::1` and what they are called as addresses of IPv4 become the own one as an address of IPv4: there is but one loopback in IPv6. */
function toOwn6({ maps, any, six, next }: Purpose): Buffer {
  const a = ownAddress(new Assembler()).load(1, 6, IP6[0]).jumpUnless(1, 0, 'as it is').load(1, 6, IP6[1]).jumpUnless(1, 0, 'as it is');
  a.load(2, 6, IP6[3]).load(1, 6, IP6[2]).jumpIf(1, MAPPED, 'mapped').jumpUnless(1, 0, 'as it is');
  six(a.jumpIf(2, ANY, 'six').jumpUnless(2, LOOPBACK6, 'as it is').label('six'), maps);
  a.load(2, 6, IP6[3]).jumpIf(2, ANY, 'any').jump('local');
  refuseOthers(a.label('mapped').jumpIf(2, ANY, 'any').jumpIf(2, LOOPBACK, 'local')).label('any');
  any(a).label('local');
  return end(next(key(a), maps).set32(1, MAPPED).store(6, IP6[2], 1).store(6, IP6[3], 7));
}

/**
 * A datagram socket on all addresses may be there to send from a port of its choice, which it can't to other machines from an address of the loopback
 * (EINVAL): it stays the machine's. So may a TCP socket, but most of those listen.
 */
function streams(a: Assembler): Assembler {
  return a.load(1, 6, TYPE).jumpUnless(1, STREAM, 'as it is');
}

/**
 * A socket that refuses IPv4 can have no address of it (EINVAL), and in IPv6 there is one loopback for all: it gets a port of the kernel's choice there, and
 * the port it asked for is kept with it until that is known. That two of an instance ask for the same goes unseen: the later is found.
 */
function apart(a: Assembler, maps: Maps): Assembler {
  ofSocket(a.loadPointer(2, 6, SOCKET), maps, 'both')
    .load(1, 0, 0)
    .jumpIf(1, 0, 'both')
    .move(8, 0);
  count(apartKey(a.load(1, 6, TYPE).jumpUnless(1, STREAM, 'as it is')), maps, 'counted apart').label('counted apart');
  a.load(2, 6, PORT).shiftLeft(2, 16).or(2, 1).store(8, 0, 2);
  return a.set32(1, LOOPBACK6).store(6, IP6[3], 1).set(1, 0).store(6, PORT, 1).jump('as it is').label('both');
}

/** Told when a socket of IPv6 is bound: notes what port it has for the one that it asked for. */
function noteApart(maps: Maps): Buffer {
  const a = ofSocket(ownAddress(new Assembler()).move(2, 6), maps, 'as it is').load(2, 0, 0).shiftRight(2, 16).jumpIf(2, 0, 'as it is');
  a.or(2, SIX_ONLY << 16)
    .store(10, KEY_AT, 7)
    .store(10, KEY_AT + 4, 2);
  a.load(1, 6, BOUND_PORT).toNetworkOrder(1, 16).store(10, VALUE_AT, 1);
  return update(a, maps.ports).label('as it is').set(0, 1).exit().bytes();
}

/** A connection to what is bound so goes to the port that it has. */
function toApart(a: Assembler, { ports }: Maps): Assembler {
  find(apartKey(a.load(1, 6, TYPE).jumpUnless(1, STREAM, 'both')), ports, KEY_AT)
    .jumpIfAny(0, 'apart')
    .jump('both');
  a.label('apart').load(1, 0, 0).store(6, PORT, 1).set32(1, LOOPBACK6).store(6, IP6[3], 1).jump('as it is');
  return a.label('both');
}

/** Asked for its name, such a socket has the port that it asked for. */
function saidPort(a: Assembler, maps: Maps): Assembler {
  ofSocket(a.loadPointer(2, 6, SOCKET), maps, 'both')
    .load(1, 0, 0)
    .shiftRight(1, 16)
    .jumpIf(1, 0, 'both');
  return a.store(6, PORT, 1).jump('as it is').label('both');
}

/** r0: where the value of the socket in r2 is. */
function ofSocket(a: Assembler, { sixOnly }: Maps, without: string): Assembler {
  return a.loadMap(1, sixOnly).set(3, 0).set(4, 0).call(SOCKET_VALUE).jumpIfAny(0, 'told').jump(without).label('told');
}

/** Told of all options that are set: keeps whether a socket refuses IPv4, and leaves the option (a length of 0) to the kernel. */
function seeSixOnly({ sixOnly }: Maps): Buffer {
  const a = new Assembler().move(6, 1).load(1, 6, OPTION.level).jumpUnless(1, IPPROTO_IPV6, 'seen');
  a.load(1, 6, OPTION.name).jumpUnless(1, IPV6_V6ONLY, 'seen');
  a.loadPointer(1, 6, OPTION.value).loadPointer(2, 6, OPTION.valueEnd).move(3, 1).add(3, 4).jumpIfMore(3, 2, 'seen').load(7, 1, 0);
  a.loadPointer(2, 6, OPTION.socket).loadMap(1, sixOnly).set(3, 0).set(4, CREATE).call(SOCKET_VALUE).jumpIfAny(0, 'found').jump('seen');
  return a.label('found').store(0, 0, 7).label('seen').set(1, 0).store(6, OPTION.length, 1).set(0, 1).exit().bytes();
}

/** An address of IPv4 in r2 that is not localhost: refused if it is the own one of another, else left as it is. */
function refuseOthers(a: Assembler): Assembler {
  return a.move(1, 2).and(1, RANGE_MASK).jumpUnless(1, RANGE, 'as it is').jumpUnlessEqual(2, 7, 'refused').jump('as it is');
}

function end(a: Assembler): Buffer {
  return a.label('as it is').set(0, 1).exit().label('refused').set(0, 0).exit().bytes();
}

function toLocalhost4(): Buffer {
  const a = ownAddress(new Assembler()).load(1, 6, IP4).jumpUnlessEqual(1, 7, 'as it is');
  return a.set32(1, LOOPBACK).store(6, IP4, 1).label('as it is').set(0, 1).exit().bytes();
}

function toLocalhost6(a: Assembler): Buffer {
  a.load(1, 6, IP6[2]).jumpUnless(1, MAPPED, 'as it is').load(1, 6, IP6[3]);
  a.jumpUnlessEqual(1, 7, 'as it is').set32(1, LOOPBACK);
  return a.store(6, IP6[3], 1).label('as it is').set(0, 1).exit().bytes();
}

/** r6: what the program was asked about; r7: the own address of the cgroup that asks. */
function ownAddress(a: Assembler): Assembler {
  return a.move(6, 1).call(CURRENT_CGROUP_ID).and(0, MASK).or(0, BASE).toNetworkOrder(0, 32).move(7, 0);
}

/** Puts the key of the port that is asked for on the stack; the kernel's choice (0) has none. */
function key(a: Assembler): Assembler {
  a.load(2, 6, PORT).jumpIf(2, 0, 'as it is').load(3, 6, PROTOCOL).shiftLeft(3, 16).orRegister(2, 3);
  return a.store(10, KEY_AT, 7).store(10, KEY_AT + 4, 2);
}

/** The same for a socket that refuses IPv4. */
function apartKey(a: Assembler): Assembler {
  a.load(2, 6, PORT)
    .jumpIf(2, 0, 'as it is')
    .or(2, SIX_ONLY << 16);
  return a.store(10, KEY_AT, 7).store(10, KEY_AT + 4, 2);
}

/** Notes the port, and counts it if it was not; when the map holds no more, the bind is left as it is. */
function note(a: Assembler, maps: Maps): Assembler {
  count(a, maps, 'noted').storeValue(10, VALUE_AT, 1);
  return update(a, maps.ports).label('noted');
}

/** Counts a port that will be noted, unless it is `known`; when there are more than the instance may have, the bind is left as it is. */
function count(a: Assembler, { ports, counts }: Maps, known: string): Assembler {
  find(a, ports, KEY_AT).jumpIfAny(0, known);
  find(a, counts, KEY_AT).jumpIfAny(0, `${known}: may be`).jump('as it is').label(`${known}: may be`);
  return a.load(1, 0, 0).jumpIfAtLeast(1, MOST_PORTS_EACH, 'as it is').set(1, 1).addAtomically(0, 0, 1);
}

function update(a: Assembler, map: number): Assembler {
  a.loadMap(1, map).move(2, 10).add(2, KEY_AT).move(3, 10).add(3, VALUE_AT).set(4, 0);
  return a.call(MAP_UPDATE).jumpIfAny(0, 'as it is');
}

/** Goes on if the port is noted. */
function look(a: Assembler, { ports }: Maps): Assembler {
  return find(a, ports, KEY_AT).jumpIfAny(0, 'noted').jump('as it is').label('noted');
}

/** r0: where the value of the key is that is on the stack, or 0. */
function find(a: Assembler, map: number, keyAt: number): Assembler {
  return a.loadMap(1, map).move(2, 10).add(2, keyAt).call(MAP_LOOKUP);
}
