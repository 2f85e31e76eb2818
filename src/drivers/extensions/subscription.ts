import { z } from 'zod';

const TYPES = ['platform', 'function', 'extension'] as const;
export type RecordType = (typeof TYPES)[number];

/** What an extension wants to be told, and where. */
export interface Subscription {
  /** The older Logs API has other records of the same happenings. */
  readonly api: 'telemetry' | 'logs';
  readonly types: ReadonlySet<RecordType>;
  /** Within this machine. */
  readonly url: string;
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

const shape = z.object({
  schemaVersion: z.string().optional(),
  types: z.array(z.enum(TYPES)).min(1),
  buffering: z
    .object({
      maxItems: z.int().min(1_000).max(10_000).default(10_000),
      maxBytes: z.int().min(262_144).max(1_048_576).default(262_144),
      timeoutMs: z.int().min(25).max(30_000).default(1_000),
    })
    .prefault({}),
  destination: z.object({ protocol: z.enum(['HTTP'], { error: 'HTTP is what is served here' }), URI: z.string() }),
});

/** The names under which an extension knows its own machine on Lambda. */
const OWN_NAMES = new Set(['sandbox', 'sandbox.localdomain', 'localhost', '127.0.0.1']);

/** A subscription as it was sent; in a sentence, what is wrong with it. */
export function readSubscription(api: Subscription['api'], body: unknown): Subscription | string {
  const parsed = shape.safeParse(body);
  if (!parsed.success) return z.prettifyError(parsed.error).replaceAll('\n', ' ');
  const { types, buffering, destination } = parsed.data;
  const url = URL.canParse(destination.URI) ? new URL(destination.URI) : null;
  if (url === null || url.protocol !== 'http:' || !OWN_NAMES.has(url.hostname))
    return `destination.URI: ${destination.URI} must be http://sandbox.localdomain:PORT`;
  if (url.username !== '' || url.password !== '') return 'destination.URI: must have no user and no password';
  url.hostname = '127.0.0.1';
  return { api, types: new Set(types), url: url.href, ...buffering };
}
