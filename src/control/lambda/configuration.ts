import { createHash } from 'node:crypto';
import { functionArn, logGroup, type FunctionVersion } from '../../model/function-version.ts';
import { snapStarts } from '../publishing.ts';
import { pendingRevision } from '../revisions.ts';
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

/** How the caller named the version, which its ARN repeats; null: by the function alone. */
interface Named {
  readonly qualifier: string | null;
}

/** What tells how the last change of a function stands, or the making of a numbered version. */
function stageOf(stage: Stage | UpdateState, { version }: FunctionVersion): Record<string, string> {
  if (typeof stage === 'string') return STAGES[stage];
  const numbered = version !== '$LATEST';
  if (stage.status !== 'Failed') return isPending(stage) ? STAGES[numbered ? 'created' : 'updated'] : STAGES.settled;
  const { status, reason, reasonCode } = stage;
  if (numbered) return { State: status, StateReason: reason, StateReasonCode: reasonCode };
  return { State: 'Active', LastUpdateStatus: status, LastUpdateStatusReason: reason, LastUpdateStatusReasonCode: reasonCode };
}

function isPending(stage: Stage | UpdateState): boolean {
  return typeof stage === 'string' ? stage !== 'settled' : stage.status === 'InProgress';
}

/** FunctionConfiguration as the answer to a call about one function. */
export function configurationOf(
  version: FunctionVersion,
  stage: Stage | UpdateState,
  named: Named = { qualifier: null },
): Record<string, unknown> {
  return {
    ...listedConfigurationOf(version, named),
    ...stageOf(stage, version),
    SnapStart: snapStartOf(version, stage === 'settled' || (typeof stage !== 'string' && stage.status === 'Successful')),
    RevisionId: isPending(stage) ? pendingRevision(version.revisionId) : version.revisionId,
    RuntimeVersionConfig: { RuntimeVersionArn: runtimeVersionArn(version) },
  };
}

/** FunctionConfiguration as it is in lists, which leave out states. */
export function listedConfigurationOf(version: FunctionVersion, { qualifier }: Named): Record<string, unknown> {
  const arn = functionArn(version);
  const { kept = {}, layers = [] } = version;
  return {
    FunctionName: version.name,
    FunctionArn: qualifier === null ? arn : `${arn}:${qualifier}`,
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
    ...(Object.keys(version.environment).length === 0 && kept['EmptyEnvironment'] !== true
      ? {}
      : { Environment: { Variables: version.environment } }),
    TracingConfig: kept['TracingConfig'] ?? { Mode: 'PassThrough' },
    ...(deadLetters(kept['DeadLetterConfig']) ? { DeadLetterConfig: kept['DeadLetterConfig'] } : {}),
    RevisionId: version.revisionId,
    ...(layers.length === 0 ? {} : { Layers: layers.map((l) => ({ Arn: l.arn, CodeSize: l.codeBytes })) }),
    PackageType: 'Zip',
    Architectures: [version.architecture],
    EphemeralStorage: { Size: version.ephemeralStorageMb },
    SnapStart: snapStartOf(version),
    LoggingConfig: loggingConfigOf(version),
  };
}

function loggingConfigOf(version: FunctionVersion): Record<string, unknown> {
  const { format = 'Text', applicationLevel = null, systemLevel = null } = version.logging ?? {};
  return {
    LogFormat: format,
    ...(applicationLevel === null ? {} : { ApplicationLogLevel: applicationLevel }),
    ...(systemLevel === null ? {} : { SystemLogLevel: systemLevel }),
    LogGroup: logGroup(version),
  };
}

function deadLetters(config: unknown): boolean {
  return ((config as { TargetArn?: string } | undefined)?.TargetArn ?? '') !== '';
}

/** `made`: its snapshot, if it is to have one. */
function snapStartOf(version: FunctionVersion, made = true): Record<string, string> {
  const asked = snapStarts(version);
  return {
    ApplyOn: asked ? 'PublishedVersions' : 'None',
    OptimizationStatus: asked && made && version.version !== '$LATEST' ? 'On' : 'Off',
  };
}

/** Lambda names the build of a runtime by a digest; here the name is all there is to it. */
export function runtimeVersionArn(version: FunctionVersion): string {
  return `arn:aws:lambda:${version.region}::runtime:${createHash('sha256').update(version.runtime).digest('hex')}`;
}
