import { readFileSync } from 'node:fs';
import { openDiagnosis, type PeerUser } from './socket-diagnosis.ts';

let asking: Promise<PeerUser> | null = null;

/** Who tells whose process is at the other end of a connection over the loopback; one for the whole process. */
export function peerUsers(): Promise<PeerUser> {
  asking ??= openDiagnosis().then(
    (asked): PeerUser =>
      (socket) =>
        asked(socket) ?? userInTable(socket), // a kernel without that part of it knows none
    () => userInTable,
  );
  return asking;
}

/** The same from the kernel's table of connections (proc(5), /proc/net/tcp), which takes milliseconds to read; null on a system without. */
export const userInTable: PeerUser = ({ remoteAddress, remotePort, localAddress, localPort }) => {
  if (remoteAddress === undefined || remotePort === undefined || localAddress === undefined || localPort === undefined) return null;
  const ends = [`${hex(remoteAddress)}:${port(remotePort)}`, `${hex(localAddress)}:${port(localPort)}`].join(' ');
  // A socket of IPv6 can connect to an address of IPv4: it is in the other table, with its addresses written longer.
  return (
    user('tcp', ends) ??
    user(
      'tcp6',
      ends.replaceAll(/\w{8}:/g, (v4) => `0000000000000000FFFF0000${v4}`),
    )
  );
};

function user(table: 'tcp' | 'tcp6', ends: string): number | null {
  let text: string;
  try {
    text = readFileSync(`/proc/self/net/${table}`, 'latin1');
  } catch {
    return null;
  }
  const at = text.indexOf(`: ${ends} `);
  if (at < 0) return null;
  // After both ends: state, queues, timer, retransmits, uid.
  const uid = Number(
    text
      .slice(at + 3 + ends.length, text.indexOf('\n', at))
      .trim()
      .split(/ +/)[4],
  );
  return Number.isSafeInteger(uid) ? uid : null;
}

/** An address as the kernel prints it on the little-endian machines that Hearth runs on. */
function hex(address: string): string {
  return Buffer.from(address.split('.').map(Number)).reverse().toString('hex').toUpperCase();
}

function port(number: number): string {
  return number.toString(16).toUpperCase().padStart(4, '0');
}
