import type { BusEvent, BusTarget } from '../../model/event-rule.ts';

/** What AWS's own placeholders in a template stand for. */
export interface RuleWords {
  readonly ruleName: string;
  readonly ruleArn: string;
  /** When the event came in, ISO 8601. */
  readonly ingestedAt: string;
}

/** What a target is given of an event: its constant `Input`, the part at its `InputPath`, what its template makes, or the whole. */
export function targetInput(target: BusTarget, event: BusEvent, words: RuleWords): string {
  if (target.Input !== undefined) return target.Input;
  if (target.InputPath !== undefined) return JSON.stringify(valueAt(target.InputPath, event) ?? null);
  if (target.InputTransformer !== undefined) return transformed(target.InputTransformer, event, words);
  return JSON.stringify(event);
}

/** Whether a target is given events as they are. */
export function isWhole({ Input, InputPath, InputTransformer }: BusTarget): boolean {
  return Input === undefined && InputPath === undefined && InputTransformer === undefined;
}

const PATH = /^\$((?:\.[\w-]+|\[\d+\]|\['[^']+'\])*)$/;
const STEP = /\.([\w-]+)|\[(\d+)\]|\['([^']+)'\]/g;

/** Whether a text is a path that can be followed: `$`, `$.detail.state`, `$.resources[0]`. */
export function isPath(path: string): boolean {
  return PATH.test(path);
}

/** The value at a path; undefined where there is none. */
function valueAt(path: string, event: unknown): unknown {
  let value = event;
  for (const [, name, index, quoted] of path.matchAll(STEP)) {
    if (typeof value !== 'object' || value === null) return undefined;
    const key = name ?? quoted ?? index ?? '';
    value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  }
  return value;
}

/** A backslash with what it takes for itself, a quote, or a placeholder. */
const TOKEN = /\\.|"|<([\w.-]+)>/g;
const PREDEFINED = [
  'aws.events.rule-name',
  'aws.events.rule-arn',
  'aws.events.event.ingestion-time',
  'aws.events.event',
  'aws.events.event.json',
] as const;

/** Why a template can't be filled in, in EventBridge's words; null: it can. */
export function templateFault(
  { InputPathsMap = {}, InputTemplate }: NonNullable<BusTarget['InputTransformer']>,
  targetId: string,
): string | null {
  const known = new Set<string>([...PREDEFINED, ...Object.keys(InputPathsMap)]);
  const unknown = [...InputTemplate.matchAll(TOKEN)].find(([, name]) => name !== undefined && !known.has(name));
  if (unknown !== undefined) return `InputTemplate for target ${targetId} contains invalid placeholder ${unknown[1]}.`;
  if (!/^\s*[{[]/.test(InputTemplate)) return null;
  try {
    JSON.parse(filled(InputTemplate, () => ''));
    return null;
  } catch (error) {
    return `Invalid InputTemplate for target ${targetId}: ${(error as Error).message}`;
  }
}

/**
 * A template with its `<placeholders>` filled in. Beside quotes a value comes as JSON; within them as text, what JSON would have to escape escaped, and what has
 * members without its quotes, as on EventBridge. What is not there is an empty text.
 */
function transformed(
  { InputPathsMap = {}, InputTemplate }: NonNullable<BusTarget['InputTransformer']>,
  event: BusEvent,
  words: RuleWords,
): string {
  const { 'detail-type': detailType, detail: _, ...head } = event;
  const predefined: Record<(typeof PREDEFINED)[number], unknown> = {
    'aws.events.rule-name': words.ruleName,
    'aws.events.rule-arn': words.ruleArn,
    'aws.events.event.ingestion-time': words.ingestedAt,
    'aws.events.event': { ...head, detailType },
    'aws.events.event.json': event,
  };
  const own = Object.entries(InputPathsMap).map(([name, path]) => [name, valueAt(path, event)] as const);
  const values = new Map<string, unknown>([...Object.entries(predefined), ...own]);
  return filled(InputTemplate, (name) => {
    const value = values.get(name);
    return value === undefined ? '' : value;
  });
}

function filled(template: string, valueOf: (name: string) => unknown): string {
  let quoted = false;
  return template.replaceAll(TOKEN, (whole, name: string | undefined) => {
    if (whole === '"') quoted = !quoted;
    if (name === undefined) return whole;
    const value = valueOf(name);
    if (!quoted) return JSON.stringify(value);
    return typeof value === 'string' ? JSON.stringify(value).slice(1, -1) : JSON.stringify(value).replaceAll('"', '');
  });
}
