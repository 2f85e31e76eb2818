/** A bucket; then nothing, a prefix that ends in `/`, or a pattern with one `*`, which stands for anything, slashes too: a notification’s prefix and suffix. */
const OBJECTS = /^([^/*]+)(?:\/(?:([^*]*)\*([^*]*)|([^*]*\/)?))?$/;

function objects(text: string): unknown {
  const found = OBJECTS.exec(text);
  if (found === null) return text;
  const [, bucket, before = '', suffix = '', folder = ''] = found;
  const prefix = before === '' ? folder : before;
  return { bucket, ...(prefix === '' ? {} : { prefix }), ...(suffix === '' ? {} : { suffix }) };
}

function schedule(text: string): unknown {
  if (text.startsWith('rate(')) return { rate: text };
  const at = /^at\((.*)\)$/.exec(text)?.[1];
  return at === undefined ? { cron: text } : { at };
}

/** Kinds of triggers that may be given as text, each with what the text stands for; what stands for nothing is left as it is. */
const SHORT: Readonly<Record<string, (text: string) => unknown>> = {
  objects,
  schedule,
  database: (table) => ({ table }),
  queue: (name) => ({ queue: name }),
};

/** How each is written, for messages and editors. */
export const SHORT_FORMS = {
  objects: 'BUCKET, BUCKET/FOLDER/ or BUCKET/PREFIX*SUFFIX',
  database: 'TABLE or SCHEMA.TABLE',
  queue: 'the name of a queue',
  schedule: 'a cron or rate expression',
} as const;

/** The manifest of a function with its triggers in their long form. Anything that is none passes, for the schema to judge. */
export function longForm(manifest: unknown): unknown {
  if (!isMap(manifest) || !Array.isArray(manifest['triggers'])) return manifest;
  return { ...manifest, triggers: manifest['triggers'].map(longTrigger) };
}

function longTrigger(given: unknown): unknown {
  if (!isMap(given)) return given;
  const long = Object.entries(given).map(([kind, value]) => {
    const expand = Object.hasOwn(SHORT, kind) ? SHORT[kind] : undefined;
    return [kind, typeof value === 'string' && value !== '' && expand !== undefined ? expand(value) : value];
  });
  return Object.fromEntries(long);
}

/** The same of every function of a hearth.yaml. */
export function longForms(file: unknown): unknown {
  if (!isMap(file) || !isMap(file['functions'])) return file;
  const functions = Object.fromEntries(Object.entries(file['functions']).map(([name, manifest]) => [name, longForm(manifest)]));
  return { ...file, functions };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
