import type { Socket } from 'node:net';

// netlink(7), sock_diag(7): numbers of the kernel's, the same on every architecture.
const AF_INET = 2;
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST = 1;
const IPPROTO_TCP = 6;
const MSG_DONTWAIT = 0x40;
const REQUEST_BYTES = 72;
/** Of the uid in the answer. */
const UID_AT = 80;

/** The user of the process at the other end of a TCP connection over IPv4 within this machine; null when the kernel knows none. */
export type PeerUser = (socket: Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress' | 'localPort'>) => number | null;

/** Asks the kernel for one socket by its ends, in tens of microseconds, where its table has to be read whole. Throws where there is no koffi or no netlink. */
export async function openDiagnosis(): Promise<PeerUser> {
  const { default: koffi } = await import('koffi');
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int, int, int)') as (...args: number[]) => number;
  const send = libc.func('long send(int, void*, size_t, int)') as (fd: number, bytes: Buffer, length: number, flags: number) => number;
  const recv = libc.func('long recv(int, void*, size_t, int)') as (fd: number, bytes: Buffer, length: number, flags: number) => number;
  const fd = socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) throw new Error(`socket(AF_NETLINK) failed with errno ${koffi.errno()}`);
  const request = Buffer.alloc(REQUEST_BYTES);
  const answer = Buffer.alloc(4096);
  let sequence = 0;
  return ({ remoteAddress, remotePort, localAddress, localPort }) => {
    sequence = (sequence + 1) >>> 0;
    // nlmsghdr, then inet_diag_req_v2; little-endian, as the machines are that Hearth runs on, but for ports and addresses.
    request.fill(0);
    request.writeUInt32LE(REQUEST_BYTES, 0);
    request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
    request.writeUInt16LE(NLM_F_REQUEST, 6);
    request.writeUInt32LE(sequence, 8);
    request[16] = AF_INET;
    request[17] = IPPROTO_TCP;
    request.writeUInt32LE(0xffff_ffff, 20); // in whatever state
    request.writeUInt16BE(remotePort ?? 0, 24);
    request.writeUInt16BE(localPort ?? 0, 26);
    request.set(octets(remoteAddress), 28);
    request.set(octets(localAddress), 44);
    request.fill(0xff, 64); // no cookie
    if (send(fd, request, REQUEST_BYTES, 0) !== REQUEST_BYTES) return null;
    // The kernel answers before send returns; what is left of an earlier answer is passed over.
    for (let bytes = recv(fd, answer, answer.length, MSG_DONTWAIT); bytes > 0; bytes = recv(fd, answer, answer.length, MSG_DONTWAIT)) {
      if (answer.readUInt32LE(8) !== sequence) continue;
      return bytes >= UID_AT + 4 && answer.readUInt16LE(4) === SOCK_DIAG_BY_FAMILY ? answer.readUInt32LE(UID_AT) : null;
    }
    return null;
  };
}

function octets(address = ''): number[] {
  return address.split('.').map(Number);
}
