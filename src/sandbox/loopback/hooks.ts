import { Assembler } from './assembler.ts';

/** The kernel's numbers of the moments at which a program of ours is asked (enum bpf_attach_type). */
const BIND4 = 8;
const BIND6 = 9;
const CONNECT4 = 10;
const CONNECT6 = 11;
const SENDMSG4 = 14;
const RECVMSG4 = 19;
const RECVMSG6 = 20;
const PEERNAME4 = 29;
const PEERNAME6 = 30;
const SOCKNAME4 = 31;
const SOCKNAME6 = 32;

// Helpers of the kernel's.
const MAP_LOOKUP = 1;
const MAP_UPDATE = 2;
const CURRENT_CGROUP_ID = 80;

// struct bpf_sock_addr: addresses and port as the network writes them, each read as a little-endian number, as the machines are that Hearth runs on.
const IP4 = 4;
const IP6 = [8, 12, 16, 20] as const;
const PORT = 24;
const TYPE = 32;
const PROTOCOL = 36;
const STREAM = 1;
const TCP = 6;
const ANY = 0;
/** 127.0.0.1 */
const LOOPBACK = 0x0100007f;
/** ::1, its last word. */
const LOOPBACK6 = 0x01000000;
/** ::ffff:a.b.c.d, its third word. */
const MAPPED = -0x10000;

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
export const MOST_PORTS_EACH = 256;

/** Descriptors of the two maps: ports that are noted, and how many an address has; an address without a count can have none. */
export interface Maps {
  readonly ports: number;
  readonly counts: number;
}

const KEY_AT = -8;
const VALUE_AT = -12;

/** A program and the moment that it is for. */
export interface Hook {
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
 * What gives each cgroup a loopback of its own. A bind to a port of localhost, or with TCP of any address, is to the same port of the cgroup's own address, and the
 * port is noted; a connection to a port of localhost goes there if it is noted, and to the machine's own localhost if not. Asked for the name of a
 * socket or of its peer, the kernel says localhost. A bind to a port of the kernel's choice clashes with nobody, and is left alone. The address of another
 * cgroup is refused (EPERM), whatever is wanted of it: it is no secret, anyone can read it in /proc/net/tcp.
 */
export function hooks(maps: Maps): Hook[] {
  const bind = { maps, any: streams, next: note };
  const connect = { maps, any: (a: Assembler) => a, next: look };
  return [
    { at: BIND4, code: toOwn4(bind) },
    { at: BIND6, code: toOwn6(bind) },
    { at: CONNECT4, code: toOwn4(connect) },
    { at: CONNECT6, code: toOwn6(connect) },
    { at: SENDMSG4, code: toOwn4(connect) }, // of ::ffff:a.b.c.d too; that of IPv6 may not change the family of its address
    ...[RECVMSG4, PEERNAME4, SOCKNAME4].map((at) => ({ at, code: toLocalhost4() })),
    ...[RECVMSG6, PEERNAME6, SOCKNAME6].map((at) => ({ at, code: toLocalhost6() })),
  ];
}

interface Purpose {
  readonly maps: Maps;
  /** What is asked first where the address is 0.0.0.0 or `::`. */
  readonly any: (a: Assembler) => Assembler;
  readonly next: (a: Assembler, maps: Maps) => Assembler;
}

function toOwn4({ maps, any, next }: Purpose): Buffer {
  const a = ownAddress(new Assembler()).load(2, 6, IP4).jumpIf(2, ANY, 'any').jumpIf(2, LOOPBACK, 'local');
  any(refuseOthers(a).label('any')).label('local');
  return end(next(key(a), maps).store(6, IP4, 7));
}

/** `::`, `::1` and what they are called as addresses of IPv4 become the own one as an address of IPv4: there is but one loopback in IPv6. */
function toOwn6({ maps, any, next }: Purpose): Buffer {
  const a = ownAddress(new Assembler()).load(1, 6, IP6[0]).jumpUnless(1, 0, 'as it is').load(1, 6, IP6[1]).jumpUnless(1, 0, 'as it is');
  a.load(2, 6, IP6[3]).load(1, 6, IP6[2]).jumpIf(1, MAPPED, 'mapped').jumpUnless(1, 0, 'as it is');
  a.jumpIf(2, ANY, 'any').jumpIf(2, LOOPBACK6, 'local').jump('as it is');
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

function toLocalhost6(): Buffer {
  const a = ownAddress(new Assembler()).load(1, 6, IP6[2]).jumpUnless(1, MAPPED, 'as it is').load(1, 6, IP6[3]);
  return a.jumpUnlessEqual(1, 7, 'as it is').set32(1, LOOPBACK).store(6, IP6[3], 1).label('as it is').set(0, 1).exit().bytes();
}

/** r6: what the program was asked about; r7: the own address of the cgroup that asks. */
function ownAddress(a: Assembler): Assembler {
  return a.move(6, 1).call(CURRENT_CGROUP_ID).and(0, MASK).or(0, BASE).toNetworkOrder(0).move(7, 0);
}

/** Puts the key of the port that is asked for on the stack; the kernel's choice (0) has none. */
function key(a: Assembler): Assembler {
  a.load(2, 6, PORT).jumpIf(2, 0, 'as it is').load(3, 6, PROTOCOL).shiftLeft(3, 16).orRegister(2, 3);
  return a.store(10, KEY_AT, 7).store(10, KEY_AT + 4, 2);
}

/** Notes the port, and counts it if it was not; when there are more than the instance may have, or the map holds, the bind is left as it is. */
function note(a: Assembler, { ports, counts }: Maps): Assembler {
  find(a, ports, KEY_AT).jumpIfAny(0, 'noted');
  find(a, counts, KEY_AT).jumpIfAny(0, 'counted').jump('as it is').label('counted');
  a.load(1, 0, 0).jumpIfAtLeast(1, MOST_PORTS_EACH, 'as it is').set(1, 1).addAtomically(0, 0, 1);
  a.storeValue(10, VALUE_AT, 1).loadMap(1, ports).move(2, 10).add(2, KEY_AT).move(3, 10).add(3, VALUE_AT).set(4, 0);
  return a.call(MAP_UPDATE).jumpIfAny(0, 'as it is').label('noted');
}

/** Goes on if the port is noted. */
function look(a: Assembler, { ports }: Maps): Assembler {
  return find(a, ports, KEY_AT).jumpIfAny(0, 'noted').jump('as it is').label('noted');
}

/** r0: where the value of the key is that is on the stack, or 0. */
function find(a: Assembler, map: number, keyAt: number): Assembler {
  return a.loadMap(1, map).move(2, 10).add(2, keyAt).call(MAP_LOOKUP);
}
