import type { LogSink } from '../fleet/driver.ts';

// As Node.js says it, and as the C library does, whose words Python, Go, Java and Rust have.
const SIGNS = ['EADDRINUSE', 'ddress already in use'];

/**
 * Says after the first line that tells of a taken port how that can be and what to do, which on Lambda nobody had to know: an instance has a machine to
 * itself there. `noLoopback`: why no instance has a loopback of its own here; null: those that are not forked have.
 */
export function explainingTakenPorts(sink: LogSink, noLoopback: string | null): LogSink {
  let explained = false;
  return {
    line(requestId, text) {
      sink.line(requestId, text);
      if (explained || !SIGNS.some((sign) => text.includes(sign))) return;
      explained = true;
      sink.line(requestId, `hearth: ${noLoopback === null ? SHARED_WHEN_FORKED : shared(noLoopback)}`);
    },
  };
}

const FIX =
  'let there be one instance (scaling: { max: 1 }), or take the port from an environment variable, or port 0, which is always a free one';

const SHARED_WHEN_FORKED =
  'that port is taken by a program of this machine that listens on all addresses, or by another instance: what listens from its init phase on has a ' +
  `loopback of its own, what begins to in the handler shares that of all which were forked like it. fix: listen in the init phase, outside the handler; or ${FIX}`;

const shared = (why: string): string =>
  `that port is taken by another instance or another program of this machine: instances share its network, since none can have a loopback of its own here (${why}). fix: ${FIX}`;
