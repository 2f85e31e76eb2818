import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogSink, StartSpec } from '../../../fleet/driver.ts';
import { systemClock } from '../../../lib/clock.ts';
import { randomIds } from '../../../lib/ids.ts';
import type { Invocation } from '../../../model/invocation.ts';
import { aVersion } from '../../../model/testing/a-version.ts';
import { ExecDriver } from '../exec-driver.ts';
import { programSpawner } from '../program-spawner.ts';

/** For tests: keeps the lines it is given. */
export class CollectedLog implements LogSink {
  readonly lines: { requestId: string | null; text: string }[] = [];

  line(requestId: string | null, text: string): void {
    this.lines.push({ requestId, text });
  }

  of(requestId: string | null): string[] {
    return this.lines.filter((line) => line.requestId === requestId).map((line) => line.text);
  }
}

/** For tests: a driver, and the way to end it with all that was made for it. */
export interface OpenedExecDriver {
  readonly driver: ExecDriver;
  readonly close: () => Promise<void>;
}

/** For tests: the driver as a server has it that can confine nothing, with a supervisor of its own and a folder for its sockets. */
export function openExecDriver(payloadBytes: number): OpenedExecDriver {
  const runDirectory = mkdtempSync(join(tmpdir(), 'hearth-exec-'));
  const spawner = programSpawner({ clock: systemClock, ids: randomIds, runDirectory, warn: () => {} });
  const driver = new ExecDriver({ spawner, clock: systemClock, payloadBytes });
  return {
    driver,
    async close() {
      await driver.close();
      await spawner.close();
      rmSync(runDirectory, { recursive: true, force: true });
    },
  };
}

/** For tests: a version with a custom runtime in `taskRoot`. */
export function startSpec(
  taskRoot: string,
  options: { environment?: Record<string, string>; concurrency?: number; initTimeoutMs?: number; functionId?: string } = {},
): StartSpec {
  const version = aVersion({
    name: 'demo',
    ...(options.functionId === undefined ? {} : { functionId: options.functionId }),
    runtime: 'provided.al2023',
    handler: 'lambda_function.lambda_handler',
    scaling: { min: 0, max: null, concurrency: options.concurrency ?? 1, keepAliveMs: 1_000 },
    snapshot: 'off',
    rehearsal: null,
  });
  const environment = {
    PATH: process.env['PATH'] ?? '',
    LAMBDA_TASK_ROOT: taskRoot,
    AWS_LAMBDA_FUNCTION_NAME: 'demo',
    ...options.environment,
  };
  return { version, taskRoot, dependencyRoot: null, environment, initTimeoutMs: options.initTimeoutMs ?? 20_000, onDemand: true };
}

/** For tests: an invocation with an event of JSON. */
export function invocation(event: unknown, requestId: string = randomUUID()): Invocation {
  return {
    requestId,
    attempt: 1,
    body: Buffer.from(JSON.stringify(event)),
    invokedArn: 'arn:demo',
    traceId: 'Root=1',
    clientContext: '{"custom": {"name": "é\\n"}}',
    lineage: '',
    receivedAtMs: 0,
  };
}
