import { NEW_NAME } from '../function-name.ts';
import type { Shape, Structure } from './shapes.ts';

const text: Shape = { type: 'string' };
const flag: Shape = { type: 'boolean' };
/** Structures whose members are looked at where they are refused. */
const opaque: Shape = { type: 'structure', members: {} };
const opaqueList: Shape = { type: 'list', member: { type: 'structure', members: {} } };

const configuration: Record<string, Shape> = {
  // The set of runtime names is checked apart: Lambda answers with another code there.
  Runtime: text,
  Role: { type: 'string', pattern: 'arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+' },
  Handler: { type: 'string', max: 128, pattern: '[^\\s]+' },
  Description: { type: 'string', max: 256 },
  Timeout: { type: 'integer', min: 1, max: 900 },
  MemorySize: { type: 'integer', min: 128, max: 32_768 },
  Environment: {
    type: 'structure',
    members: { Variables: { type: 'map', key: { type: 'string', pattern: '[a-zA-Z]([a-zA-Z0-9_])+' }, value: text } },
  },
  EphemeralStorage: { type: 'structure', required: ['Size'], members: { Size: { type: 'integer', min: 512, max: 10_240 } } },
  VpcConfig: opaque,
  DeadLetterConfig: opaque,
  ImageConfig: opaque,
  FileSystemConfigs: opaqueList,
  Layers: { type: 'list', member: text },
  KMSKeyArn: text,
  SnapStart: { type: 'structure', members: { ApplyOn: { type: 'string', enum: ['PublishedVersions', 'None'] } } },
  TracingConfig: { type: 'structure', members: { Mode: { type: 'string', enum: ['Active', 'PassThrough'] } } },
  LoggingConfig: { type: 'structure', members: { LogFormat: { type: 'string', enum: ['JSON', 'Text'] }, LogGroup: text } },
};

const architectures: Shape = { type: 'list', min: 1, max: 1, member: { type: 'string', enum: ['x86_64', 'arm64'] } };
const code: Record<string, Shape> = { ZipFile: { type: 'blob' }, S3Bucket: text, S3Key: text, S3ObjectVersion: text, ImageUri: text };

export const CREATE_FUNCTION: Structure = {
  type: 'structure',
  required: ['FunctionName', 'Role', 'Code'],
  members: {
    FunctionName: { type: 'string', min: 1, ...NEW_NAME },
    ...configuration,
    Code: { type: 'structure', members: code },
    Publish: flag,
    PackageType: { type: 'string', enum: ['Zip', 'Image'] },
    Architectures: architectures,
    Tags: { type: 'map', key: text, value: text },
  },
};

export const UPDATE_FUNCTION_CONFIGURATION: Structure = { type: 'structure', members: { ...configuration, RevisionId: text } };

export const UPDATE_FUNCTION_CODE: Structure = {
  type: 'structure',
  members: { ...code, Publish: flag, DryRun: flag, RevisionId: text, Architectures: architectures },
};
