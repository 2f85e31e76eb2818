import { createHash } from 'node:crypto';
import { functionArn, logGroup, type FunctionVersion } from '../../model/function-version.ts';
import type { UpdateState } from '../update-state.ts';

/** Where a function is on its way to serving. A new one is there at once; answers to a write still say so as AWS does. */
type Stage = 'created' | 'updated' | 'settled';

const STAGES: Record<Stage, Record<string, string>> = {
  created: { State: 'Pending', StateReason: 'The function is being created.', StateReasonCode: 'Creating' },
  updated: {
    State: 'Active',
    LastUpdateStatus: 'InProgress',
    LastUpdateStatusReason: 'The function is being created.',
    LastUpdateStatusReasonCode: 'Creating',
  },
  settled: { State: 'Active', LastUpdateStatus: 'Successful' },
};

/** What tells how the last change of a function stands. */
function stageOf(stage: Stage | UpdateState): Record<string, string> {
  if (typeof stage === 'string') return STAGES[stage];
  if (stage.status !== 'Failed') return stage.status === 'InProgress' ? STAGES.updated : STAGES.settled;
  const { status, reason, reasonCode } = stage;
  return { State: 'Active', LastUpdateStatus: status, LastUpdateStatusReason: reason, LastUpdateStatusReasonCode: reasonCode };
}

/** FunctionConfiguration as the answer to a call about one function. `qualified`: the caller named the version, so the ARN does. */
export function configurationOf(version: FunctionVersion, stage: Stage | UpdateState, qualified = false): Record<string, unknown> {
  return {
    ...listedConfigurationOf(version, qualified),
    ...stageOf(stage),
    RuntimeVersionConfig: { RuntimeVersionArn: runtimeVersionArn(version) },
  };
}

/** FunctionConfiguration as it is in lists, which leave out states. */
export function listedConfigurationOf(version: FunctionVersion, qualified = false): Record<string, unknown> {
  const arn = functionArn(version);
  return {
    FunctionName: version.name,
    FunctionArn: qualified || version.version !== '$LATEST' ? `${arn}:${version.version}` : arn,
    Runtime: version.runtime,
    Role: version.role,
    Handler: version.handler,
    CodeSize: version.codeBytes,
    Description: version.description,
    Timeout: version.timeoutMs / 1000,
    MemorySize: version.memoryMb,
    LastModified: new Date(version.modifiedAtMs).toISOString().replace('Z', '+0000'),
    CodeSha256: version.codeSha256,
    Version: version.version,
    ...(Object.keys(version.environment).length === 0 ? {} : { Environment: { Variables: version.environment } }),
    TracingConfig: { Mode: 'PassThrough' },
    RevisionId: version.revisionId,
    PackageType: 'Zip',
    Architectures: [version.architecture],
    EphemeralStorage: { Size: version.ephemeralStorageMb },
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: logGroup(version) },
  };
}

/** Lambda names the build of a runtime by a digest; here the name is all there is to it. */
function runtimeVersionArn(version: FunctionVersion): string {
  return `arn:aws:lambda:${version.region}::runtime:${createHash('sha256').update(version.runtime).digest('hex')}`;
}
