/** What stands for a value that is another in each recording. */
const VOLATILE = new Set([
  'date',
  'datetime',
  '<datetime>',
  'timestamp',
  'code-sha256',
  'function-url',
  'lambda-url',
  'log-result',
  'maximum-batching-window-in-seconds',
  'sent-timestamp',
  'sender-id',
  'sequencer',
  'object-sequencer',
  'version-id',
  'amz-id',
  'amz-request-id',
  'request-id',
]);

/** Members that Lambda's answers did not have yet when some recordings were made. */
const LATER = new Set(['RuntimeVersionConfig', 'SnapStart', 'LoggingConfig', 'EphemeralStorage', 'ConfigSha256']);

/** Where a function's code lies here (LAMBDA_TASK_ROOT), which stack traces name. */
const TASK_ROOT = /\/\S+\/artifacts\/code\/[0-9a-f]{64}\/root(?=\/)/g;

const PLACEHOLDER = /<([a-z0-9_-]+(?::\d+)?)>/g;

/** A recording in terms of this server: its account, region and partition, repeated letters written out. */
export function localised(recorded: unknown, accountId: string): unknown {
  const text = JSON.stringify(recorded)
    .replaceAll('<partition>', 'aws')
    .replaceAll('<region>', 'us-east-1')
    .replaceAll('111111111111', accountId)
    .replace(/<([a-z]):len\((\d+)\)>/g, (_, letter: string, count: string) => letter.repeat(Number(count)))
    .replace(/<([a-z])\*(\d+)>/g, (_, letter: string, count: string) => letter.repeat(Number(count)));
  return JSON.parse(text);
}

/** Compares answers with the recording of one case. What a numbered placeholder stands for is the same wherever it stands, and no other's. */
export class Comparison {
  readonly #bound = new Map<string, string>();
  readonly #words: Readonly<Record<string, string>>;

  /** `words`: what stands here for a word of the recording, such as another version of a runtime. */
  constructor(words: Readonly<Record<string, string>> = {}) {
    this.#words = words;
  }

  /** The differences, each with where it is; none: it matches. */
  differences(recorded: unknown, actual: unknown, at = ''): string[] {
    if (recorded === null) return actual === null || actual === undefined ? [] : [`${at}: ${show(actual)} where nothing was recorded`];
    if (typeof recorded === 'string') return this.#text(recorded, actual, at);
    if (typeof recorded !== 'object') return recorded === actual ? [] : [`${at}: ${show(actual)} instead of ${show(recorded)}`];
    // What is JSON in a text was recorded taken apart.
    const value = typeof actual === 'string' ? parsed(actual) : actual;
    if (Array.isArray(recorded)) return this.#list(recorded, value, at);
    return this.#members(recorded as Record<string, unknown>, value, at);
  }

  #list(recorded: readonly unknown[], actual: unknown, at: string): string[] {
    if (!Array.isArray(actual)) return [`${at}: ${show(actual)} instead of a list`];
    if (actual.length !== recorded.length) return [`${at}: ${actual.length} items instead of ${recorded.length}`];
    return recorded.flatMap((item, i) => this.differences(item, actual[i], `${at}[${i}]`));
  }

  #members(recorded: Record<string, unknown>, actual: unknown, at: string): string[] {
    if (actual === null || typeof actual !== 'object' || Array.isArray(actual))
      return [`${at}: ${show(actual)} instead of ${show(recorded)}`];
    const given = actual as Record<string, unknown>;
    const extra = Object.keys(given).filter((name) => !(name in recorded) && given[name] !== undefined && !LATER.has(name));
    return [
      ...Object.entries(recorded).flatMap(([name, value]) => this.differences(value, given[name], `${at}.${name}`)),
      ...extra.map((name) => `${at}.${name}: ${show(given[name])} was not recorded`),
    ];
  }

  #text(recorded: string, given: unknown, at: string): string[] {
    const actual = typeof given === 'string' ? given.replaceAll(TASK_ROOT, '/var/task') : given;
    if (VOLATILE.has(recorded)) return actual === undefined ? [`${at}: missing`] : [];
    const wanted = this.#words[recorded] ?? recorded;
    if (actual === wanted) return [];
    const different = [`${at}: ${show(actual)} instead of ${show(recorded)}`];
    const [names, pattern] = asPattern(wanted);
    if (names.length === 0 || (typeof actual !== 'string' && typeof actual !== 'number')) return different;
    const found = pattern.exec(String(actual));
    if (found === null) return different;
    return names.flatMap((name, i) => this.#bind(name, found[i + 1] ?? '', at));
  }

  #bind(name: string, value: string, at: string): string[] {
    if (!/:\d+$/.test(name)) return [];
    const before = this.#bound.get(name);
    if (before === value) return [];
    if (before !== undefined) return [`${at}: <${name}> is ${value} here and was ${before}`];
    const [kind] = name.split(':');
    const twin = [...this.#bound].find(([other, v]) => v === value && other.startsWith(`${kind}:`));
    if (twin !== undefined) return [`${at}: <${name}> is the same as <${twin[0]}>`];
    this.#bound.set(name, value);
    return [];
  }
}

function asPattern(text: string): [string[], RegExp] {
  const names = [...text.matchAll(PLACEHOLDER)].map((m) => m[1] ?? '');
  const parts = text.split(/<[a-z0-9_-]+(?::\d+)?>/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('date', '\\S+'));
  return [names, new RegExp(`^${parts.join('([\\s\\S]*?)')}$`)];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
