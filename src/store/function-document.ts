import { z } from 'zod';
import { HearthError } from '../errors.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import { APPLICATION_LEVELS, SYSTEM_LEVELS } from '../model/logging.ts';

const text = z.string();
const count = z.number().int().nonnegative();
const texts = z.record(text, text);

const functionUrl = z.strictObject({
  auth: z.enum(['NONE', 'AWS_IAM']),
  invokeMode: z.enum(['BUFFERED', 'RESPONSE_STREAM']).exactOptional(),
  cors: z
    .strictObject({
      allowCredentials: z.boolean(),
      allowHeaders: z.array(text),
      allowMethods: z.array(text),
      allowOrigins: z.array(text),
      exposeHeaders: z.array(text),
      maxAgeSeconds: z.number(),
    })
    .exactOptional(),
  createdAtMs: z.number().exactOptional(),
  modifiedAtMs: z.number().exactOptional(),
});
const logging = z.strictObject({
  format: z.enum(['Text', 'JSON']),
  applicationLevel: z.enum(APPLICATION_LEVELS).nullable(),
  systemLevel: z.enum(SYSTEM_LEVELS).nullable(),
  group: text.nullable(),
});
const layer = z.strictObject({ arn: text, codeSha256: text, codeBytes: count });

/** A FunctionVersion as it must come out of the database: columns and document together. */
const functionVersion = z.strictObject({
  functionId: text.min(1),
  accountId: text.min(1),
  region: text.min(1),
  name: text.min(1),
  version: text.regex(/^(\$LATEST|[1-9][0-9]*)$/),
  revisionId: text.min(1),
  runtime: text.min(1),
  handler: text,
  memoryMb: count.positive(),
  timeoutMs: z.number().positive(),
  ephemeralStorageMb: count,
  environment: texts,
  description: text,
  role: text,
  tags: texts,
  architecture: z.enum(['x86_64', 'arm64']),
  codeSha256: text,
  codeBytes: count,
  dependencies: text.nullable(),
  scaling: z
    .strictObject({
      min: count,
      max: count.nullable(),
      concurrency: count.positive(),
      keepAliveMs: z.number().nonnegative().nullable(),
      keepAlive: z.enum(['fixed', 'histogram', 'server']).optional(),
    })
    // Servers used to write down what they were configured with at the deployment: a function can name a time only with `fixed`.
    .transform((s) => (s.keepAlive === 'server' || s.keepAlive === 'histogram' ? { ...s, keepAliveMs: null } : s)),
  snapshot: z.enum(['onDeploy', 'onFirstUse', 'off']),
  rehearsal: text.nullable().default(null),
  url: functionUrl.nullable(),
  layers: z.array(layer).exactOptional(),
  logging: logging.exactOptional(),
  kept: z.record(text, z.unknown()).exactOptional(),
  modifiedAtMs: z.number(),
}) satisfies z.ZodType<FunctionVersion>;

/** What has a column of its own; all else is in the document. */
export type Columns = Pick<
  FunctionVersion,
  'functionId' | 'accountId' | 'region' | 'name' | 'version' | 'revisionId' | 'runtime' | 'modifiedAtMs'
>;

/** The part of a version that is kept as a document, as JSON text. */
export function toDocument(version: FunctionVersion): string {
  const {
    functionId: _1,
    accountId: _2,
    region: _3,
    name: _4,
    version: _5,
    revisionId: _6,
    runtime: _7,
    modifiedAtMs: _8,
    ...rest
  } = version;
  return JSON.stringify(rest);
}

/** Puts a version together again, checked and frozen; throws ServiceException naming what does not fit. */
export function fromDocument(columns: Columns, document: unknown): FunctionVersion {
  const whole = typeof document === 'object' && document !== null && !Array.isArray(document) ? { ...document, ...columns } : document;
  const parsed = functionVersion.safeParse(whole);
  if (parsed.success) return freezeDeep(parsed.data);
  throw new HearthError(
    'ServiceException',
    `Function ${columns.name} (version ${columns.version}) is not stored as this Hearth expects: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}. Delete it from hearth.function_version and deploy it again, or start the Hearth that wrote it.`,
  );
}

export function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) freezeDeep(member);
    Object.freeze(value);
  }
  return value;
}
