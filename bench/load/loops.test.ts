import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { burst } from './burst.ts';
import { closedLoop } from './closed-loop.ts';
import { openLoop } from './open-loop.ts';
import type { Target } from './plan.ts';

/** Timers may fire up to a millisecond before their time, by the clock that the loops read. */
const EARLY_MS = 2;

async function withServer(listener: RequestListener, work: (target: Target) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await work({ port, method: 'POST', path: '/', headers: {}, body: '{}' });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

it('open loop: those who came while the server stalled have waited, though they were sent later', async () => {
  let asked = 0;
  const stallMs = 300;
  const listener: RequestListener = (_, response) => {
    asked += 1;
    if (asked === 1) setTimeout(() => response.end('{}'), stallMs);
    else response.end('{}');
  };
  await withServer(listener, async (target) => {
    const { latencies, lateness, failures } = await openLoop({ mode: 'open', target, connections: 1, seconds: 0.2, rate: 100 });
    assert.equal(failures, 0);
    assert.equal(latencies.length, 20);
    assert.equal(lateness.length, 20);
    // The i-th was due 10 i ms after the first, and the first's answer came no sooner than the stall's end.
    latencies.forEach((ms, i) => assert.ok(ms >= stallMs - 10 * i - EARLY_MS, `request ${i} waited ${ms} ms`));
  });
});

it('closed loop: counts answers, subtracts the handler where it is told, and calls other statuses failures', async () => {
  let asked = 0;
  const listener: RequestListener = (_, response) => {
    asked += 1;
    if (asked % 2 === 0) response.statusCode = 429;
    response.setHeader('x-hearth-duration-ms', '1000');
    response.setHeader('x-hearth-cold-rung', 'snapshot');
    response.end('{"Reason":"busy"}');
  };
  await withServer(listener, async (target) => {
    const result = await closedLoop({ mode: 'closed', target, connections: 2, seconds: 0.1 });
    assert.ok(result.latencies.length > 0);
    assert.equal(result.latencies.length + result.failures, asked);
    assert.equal(result.coldStarts, result.latencies.length);
    assert.match(result.firstFailure ?? '', /status 429: .*busy/);
    result.overheads.forEach((ms, i) => assert.ok(Math.abs(ms + 1000 - (result.latencies[i] ?? 0)) < 1e-6));
  });
});

it('closed loop: goes on after a connection was lost, and gives up on a server that only fails', async () => {
  let asked = 0;
  await withServer(
    (request, response) => {
      asked += 1;
      if (asked === 1) request.socket.destroy();
      else if (asked === 2) response.end('{}');
      else response.writeHead(500).end();
    },
    async (target) => {
      const result = await closedLoop({ mode: 'closed', target, connections: 1, seconds: 600 });
      assert.equal(result.latencies.length, 1);
      assert.equal(result.failures, 1000);
      assert.match(result.firstFailure ?? '', /closed|ECONNRESET/);
    },
  );
});

it('burst: all are under way at once before any is answered', async () => {
  const waiting: (() => void)[] = [];
  await withServer(
    (_, response) => {
      waiting.push(() => response.end(String(waiting.length)));
      if (waiting.length === 150) for (const answer of waiting) answer();
    },
    async (target) => {
      const startedMs: number[] = [];
      const result = await burst({ mode: 'burst', target, connections: 150, seconds: 60 }, (at) => startedMs.push(at));
      assert.equal(startedMs.length, 1);
      assert.equal(result.failures, 0);
      assert.deepEqual(
        result.bodies,
        Array.from({ length: 150 }, () => '150'),
      );
    },
  );
});

it('open loop: the lead-in is sent and does not count, but for what failed', async () => {
  let asked = 0;
  const listener: RequestListener = (_, response) => {
    asked += 1;
    if (asked === 1) response.statusCode = 500;
    response.end('{}');
  };
  await withServer(listener, async (target) => {
    const plan = { mode: 'open', target, connections: 4, leadInSeconds: 0.1, seconds: 0.2, rate: 100 } as const;
    const { latencies, lateness, failures, firstFailure } = await openLoop(plan);
    assert.equal(asked, 30);
    assert.equal(latencies.length, 20);
    assert.equal(lateness.length, 20);
    assert.equal(failures, 1);
    assert.match(firstFailure ?? '', /status 500/);
  });
});

it('open loop: a request that is due while no connection is free goes out when one is', async () => {
  const answers: (() => void)[] = [];
  let asked = 0;
  const listener: RequestListener = (_, response) => {
    asked += 1;
    answers.push(() => response.end('{}'));
    if (answers.length === 2) for (const answer of answers.splice(0).toReversed()) answer();
  };
  await withServer(listener, async (target) => {
    const { latencies, failures } = await openLoop({ mode: 'open', target, connections: 2, seconds: 0.02, rate: 2_000 });
    assert.equal(failures, 0);
    assert.equal(latencies.length, 40);
    assert.equal(asked, 40);
  });
});
