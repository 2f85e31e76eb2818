import { createServer } from 'node:net';

/**
 * Throws what listening would: the port is taken, or for privileged programs, or the host no address of this machine. To be asked before anything is begun that would have
 * to be ended again: events would run for as long as it takes to find out.
 */
export async function assertPortFree(port: number, host: string): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen({ port, host, exclusive: true }, resolve);
  });
  await new Promise((resolve) => probe.close(resolve));
}
