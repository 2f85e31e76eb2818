import { randomUUID } from 'node:crypto';
import type { LogSink, StartSpec } from '../../fleet/driver.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import type { Invocation } from '../../model/invocation.ts';

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

/** For tests: a version with a custom runtime in `taskRoot`. */
export function startSpec(
  taskRoot: string,
  options: { environment?: Record<string, string>; concurrency?: number; initTimeoutMs?: number } = {},
): StartSpec {
  const version: FunctionVersion = {
    functionId: 'f',
    accountId: '000000000000',
    region: 'us-east-1',
    name: 'demo',
    version: '$LATEST',
    revisionId: 'r',
    runtime: 'provided.al2023',
    handler: 'lambda_function.lambda_handler',
    memoryMb: 128,
    timeoutMs: 3_000,
    ephemeralStorageMb: 512,
    environment: {},
    description: '',
    role: '',
    tags: {},
    architecture: 'x86_64',
    codeSha256: '',
    codeBytes: 0,
    dependencies: null,
    scaling: { min: 0, max: null, concurrency: options.concurrency ?? 1, keepAliveMs: 1_000 },
    snapshot: 'off',
    url: null,
    modifiedAtMs: 0,
  };
  const environment = {
    PATH: process.env['PATH'] ?? '',
    LAMBDA_TASK_ROOT: taskRoot,
    AWS_LAMBDA_FUNCTION_NAME: 'demo',
    ...options.environment,
  };
  return { version, taskRoot, dependencyRoot: null, environment, initTimeoutMs: options.initTimeoutMs ?? 20_000 };
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
