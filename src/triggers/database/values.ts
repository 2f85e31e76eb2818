/** A value as functions get it. */
export type Json = string | number | boolean | null | readonly Json[];

type Convert = (text: string) => Json;

const BOOL = 16;
const BYTEA = 17;
const INT8 = 20;
const SMALL_NUMBERS = [21, 23, 26]; // int2, int4, oid
const FLOATS = [700, 701];
const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;

/** Arrays of built-in types, by the type of their elements. */
const ARRAYS: Readonly<Record<number, number>> = {
  1000: BOOL,
  1001: BYTEA,
  1005: 21,
  1007: 23,
  1016: INT8,
  1021: 700,
  1022: 701,
  1009: 25, // text
  1015: 1043, // varchar
  1014: 1042, // char
  1115: TIMESTAMP,
  1182: 1082, // date
  1185: TIMESTAMPTZ,
  1231: 1700, // numeric
  2951: 2950, // uuid
  199: 114, // json
  3807: 3802, // jsonb
};

const CONVERTERS: ReadonlyMap<number, Convert> = new Map<number, Convert>([
  [BOOL, (text) => text === 't' || text === 'true'],
  [BYTEA, (text) => Buffer.from(text.slice(2), 'hex').toString('base64')],
  // What JSON's readers can't hold exactly stays text.
  [INT8, (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : text)],
  ...SMALL_NUMBERS.map((oid): [number, Convert] => [oid, Number]),
  // NaN and Infinity have no number in JSON.
  ...FLOATS.map((oid): [number, Convert] => [oid, (text) => (Number.isFinite(Number(text)) ? Number(text) : text)]),
  [TIMESTAMP, isoTime],
  [TIMESTAMPTZ, (text) => isoTime(text).replace(/\+00(:00)?$/, 'Z')],
]);

/**
 * A value in PostgreSQL's text form (ISO dates, UTC, bytes as hex) as JSON, as Debezium with `decimal.handling.mode=string`, `time.precision.mode=isostring` and
 * `binary.handling.mode=base64` has it: whole numbers and floats are numbers, numeric is text, times are ISO 8601, json is its text, arrays are arrays; a type that
 * is not known is PostgreSQL's own text.
 */
export function toJson(text: string, typeOid: number): Json {
  const element = ARRAYS[typeOid];
  if (element !== undefined) return arrayOf(text, element);
  return CONVERTERS.get(typeOid)?.(text) ?? text;
}

/** `2026-11-24 12:00:00.5+00` to `2026-11-24T12:00:00.5+00`; `infinity` and years before Christ stay as they are. */
function isoTime(text: string): string {
  return text.replace(/^(\d{4,}-\d{2}-\d{2}) /, '$1T');
}

/** `{1,NULL,"a,b"}`, of any depth. A text that is none (bounds before it) stays as it is. */
function arrayOf(text: string, elementOid: number): Json {
  if (!text.startsWith('{')) return text;
  let at = 1;
  const list = (): Json[] => {
    const items: Json[] = [];
    for (;;) {
      const c = text[at];
      if (c === '}' || c === undefined) {
        at++;
        return items;
      }
      if (c === ',') at++;
      else if (c === '{') {
        at++;
        items.push(list());
      } else items.push(item());
    }
  };
  const item = (): Json => {
    if (text[at] !== '"') {
      const from = at;
      while (at < text.length && text[at] !== ',' && text[at] !== '}') at++;
      const bare = text.slice(from, at);
      return bare === 'NULL' ? null : toJson(bare, elementOid);
    }
    let value = '';
    for (at++; at < text.length && text[at] !== '"'; at++) {
      if (text[at] === '\\') at++;
      value += text[at];
    }
    at++;
    return toJson(value, elementOid);
  };
  return list();
}
