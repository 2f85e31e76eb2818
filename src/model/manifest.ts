import { z } from 'zod';
import { explain } from './manifest-errors.ts';
import { nearest } from '../lib/nearest.ts';
import { RUNTIME_NAMES, USUAL_RUNTIMES } from './runtime-names.ts';
import { asyncManifest } from './async-manifest.ts';
import { loggingManifest } from './logging-manifest.ts';
import { longForm, longForms } from './trigger-short.ts';
import { shortIn, trigger } from './triggers.ts';

/** Names that Lambda takes for a function. */
export const FUNCTION_NAME = /^[a-zA-Z0-9-_]{1,64}$/;

const scaling = z
  .strictObject({
    min: z.int().min(0).default(0).describe('Instances kept alive even when idle'),
    max: z
      .int()
      .min(0)
      .nullable()
      .default(null)
      .describe('Most instances at once; null: as many as the machine takes. Beyond it callers get 429'),
    concurrency: z.int().min(1).max(1000).default(1).describe('Invocations one instance handles at a time; in Python, more means threads'),
    keepAlive: z
      .union([z.number().min(0).max(86_400), z.enum(['fixed', 'histogram'])], { error: 'must be seconds (0 to 86400), fixed or histogram' })
      .optional()
      .describe(
        'How long what is idle is kept: seconds; fixed, the server’s default time; histogram, learnt from when it is called. Left out: as the server is configured',
      ),
  })
  .refine((s) => s.max === null || s.min <= s.max, { error: 'min must not be more than max', path: ['min'] });

const environment = z.record(
  z.string().regex(/^[a-zA-Z][a-zA-Z0-9_]+$/, { error: 'must be a letter and then one or more letters, digits or _' }),
  z.union([z.string(), z.number(), z.boolean()], { error: 'must be text, a number or a boolean' }).transform(String),
);

/** Longest sample event as JSON text; it travels in one frame. */
const SAMPLE_BYTES = 262_144;

const sampleEvent = z
  .record(z.string(), z.json(), { error: 'must be an event: an object' })
  .refine((event) => JSON.stringify(event).length <= SAMPLE_BYTES, { error: `must be at most ${SAMPLE_BYTES} characters of JSON` });

/** A name without its number, `python`, says nothing of which is meant. What is left out is missing, and not unknown. */
function unknownRuntime(given: unknown): string | undefined {
  if (given === undefined) return undefined;
  const meant = typeof given === 'string' && /\d/.test(given) ? nearest(given, USUAL_RUNTIMES) : null;
  return `${JSON.stringify(given)} is not known; ${meant === null ? `must be one of ${USUAL_RUNTIMES.join(', ')}` : `did you mean ${meant}?`}`;
}

const members = {
  runtime: z
    .enum(RUNTIME_NAMES, { error: ({ input }) => unknownRuntime(input) })
    .describe('Lambda’s name for the runtime, such as nodejs20.x or python3.11'),
  handler: z
    .string()
    .regex(/^[^\s]+$/, { error: 'must not be empty or have spaces' })
    .max(128)
    .describe('FILE.FUNCTION, such as index.handler'),
  memoryMb: z.int().min(128).max(32_768).default(128).describe('Memory of an instance, MB'),
  timeoutSeconds: z.int().min(1).max(900).default(3).describe('Longest an invocation may take, seconds'),
  ephemeralStorageMb: z.int().min(512).max(10_240).default(512).describe('Room in /tmp, MB'),
  environment: environment.default({}).describe('Environment variables'),
  scaling: scaling.default({ min: 0, max: null, concurrency: 1 }).describe('How instances come and go'),
  snapshot: z
    .enum(['onDeploy', 'onFirstUse', 'off'])
    .default('onDeploy')
    .describe('When the initialised parent is made that instances are forked from'),
  rehearse: sampleEvent
    .optional()
    .describe('A sample event that the handler is run with before its snapshot is taken; what it does, it does'),
  url: z
    .strictObject({
      auth: z.enum(['none', 'aws_iam']).default('none').describe('Who may call it'),
      invokeMode: z
        .enum(['buffered', 'response_stream'])
        .default('buffered')
        .describe('Whether answers come whole, or as the handler writes them'),
    })
    .optional()
    .describe('A function URL, /fn/NAME/'),
  logging: loggingManifest.optional().describe('How it logs; default: as text'),
  async: asyncManifest.optional().describe('How events for it are tried again, and who is told of their outcomes'),
  triggers: z.array(trigger).default([]).describe('What else invokes the function'),
  description: z.string().max(256).default('').describe('For people'),
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}).describe('For programs'),
  installScripts: z
    .boolean()
    .default(false)
    .describe('Run what dependencies want to run when they are installed. Off: such code never runs'),
};

/** One value of `functions:` in hearth.yaml, less `code`: what a deployment sends. */
const functionManifest = z.strictObject(members);

/** One value of `functions:` in hearth.yaml. */
const functionEntry = z.strictObject({
  ...members,
  rehearse: z
    .union([z.string().min(1), sampleEvent], { error: 'must be the path of a JSON file, or the event itself' })
    .optional()
    .describe(
      'A sample event, or the JSON file it is in, relative to this file: the handler is run with it before its snapshot is taken; what it does, it does',
    ),
  code: z.string().min(1).default('.').describe('Folder of the function, relative to this file'),
});

/** The whole of hearth.yaml. */
const manifestFile = z.strictObject({
  functions: z
    .record(z.string().regex(FUNCTION_NAME, { error: 'must be a function name: up to 64 letters, digits, - or _' }), functionEntry)
    .describe('Functions by name'),
});

/** Parsed and complete: every default filled in. */
export type FunctionManifest = z.output<typeof functionManifest>;
export type ManifestFile = z.output<typeof manifestFile>;

/** Parses the manifest of one function. Throws HearthError InvalidParameterValueException that names every fault by its path. */
export function parseFunctionManifest(value: unknown): FunctionManifest {
  return explain(functionManifest, longForm(value));
}

/** Parses hearth.yaml once it is an object. Throws as parseFunctionManifest does. */
export function parseManifestFile(value: unknown): ManifestFile {
  return explain(manifestFile, longForms(value));
}

/** The JSON schema of hearth.yaml, for editors. */
export function manifestJsonSchema(): Record<string, unknown> {
  return { title: 'hearth.yaml', ...z.toJSONSchema(manifestFile, { io: 'input', target: 'draft-7', override: shortIn }) };
}
