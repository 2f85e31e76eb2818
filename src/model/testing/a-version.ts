import { randomUUID } from 'node:crypto';
import type { FunctionVersion } from '../function-version.ts';

/** For tests: a function's version with all that is needed, of a new function each time. */
export function aVersion(changes: Partial<FunctionVersion> = {}): FunctionVersion {
  return {
    functionId: randomUUID(),
    accountId: '000000000000',
    region: 'us-east-1',
    name: `f-${randomUUID()}`,
    version: '$LATEST',
    revisionId: randomUUID(),
    runtime: 'nodejs20.x',
    handler: 'index.handler',
    memoryMb: 128,
    timeoutMs: 3_000,
    ephemeralStorageMb: 512,
    environment: {},
    description: '',
    role: 'arn:aws:iam::000000000000:role/any',
    tags: {},
    architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
    codeSha256: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
    codeBytes: 100,
    dependencies: null,
    scaling: { min: 0, max: null, concurrency: 1, keepAliveMs: 60_000 },
    snapshot: 'onFirstUse',
    rehearsal: null,
    url: null,
    modifiedAtMs: 1_700_000_000_123,
    ...changes,
  };
}
