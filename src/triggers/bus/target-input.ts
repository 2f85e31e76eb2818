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

/**
 * A template with its `<placeholders>` filled in. Beside quotes a value comes as JSON; within them as text, what JSON would have to escape escaped. What is
 * not there is an empty text within quotes, else null.
 */
function transformed(transformer: NonNullable<BusTarget['InputTransformer']>, event: BusEvent, words: RuleWords): string {
  const values: Record<string, unknown> = {
    'aws.events.rule-name': words.ruleName,
    'aws.events.rule-arn': words.ruleArn,
    'aws.events.event.ingestion-time': words.ingestedAt,
    'aws.events.event': { ...event, detail: undefined },
    'aws.events.event.json': event,
  };
  for (const [name, path] of Object.entries(transformer.InputPathsMap ?? {})) values[name] = valueAt(path, event);
  let quoted = false;
  return transformer.InputTemplate.replaceAll(/\\.|"|<([\w.-]+)>/g, (whole, name: string | undefined) => {
    if (whole === '"') quoted = !quoted;
    if (name === undefined || !Object.hasOwn(values, name)) return whole;
    const value = values[name];
    if (!quoted) return JSON.stringify(value ?? null);
    const text = typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
    return JSON.stringify(text).slice(1, -1);
  });
}
