import { HearthError } from '../errors.ts';

/** An event in CloudEvents' JSON form: its context attributes and extensions, and `data` or `data_base64`. */
export type CloudEvent = Readonly<Record<string, unknown>> & {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
};

type Check = (value: unknown) => string | null;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
/** RFC 2046, with parameters. */
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}(\\s*;\\s*${TOKEN}=(${TOKEN}|"[^"]*"))*\\s*;?$`);
const TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-](\d\d):(\d\d))$/;
/** CloudEvents' String has no control characters, no halves of surrogate pairs, no noncharacters. */
// eslint-disable-next-line no-control-regex -- these are the characters meant
const NO_STRING = /[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffe\uffff]|\p{Surrogate}/u;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const MOST_INTEGER = 2 ** 31;

const text: Check = (value) => {
  if (typeof value !== 'string') return 'must be text';
  if (value === '') return 'must not be empty';
  return NO_STRING.test(value) ? 'must not have control characters' : null;
};

const reference: Check = (value) => text(value) ?? (isReference(value as string) ? null : 'must be a URI reference');

/** How each attribute of the specification is judged; the optional ones may be left out, or be null. */
const REQUIRED: Readonly<Record<string, Check>> = {
  specversion: (value) => (value === '1.0' ? null : 'must be 1.0, the version of CloudEvents that is understood here'),
  id: text,
  source: reference,
  type: text,
};
const OPTIONAL: Readonly<Record<string, Check>> = {
  datacontenttype: (value) => text(value) ?? (MEDIA_TYPE.test(value as string) ? null : 'must be a media type, such as application/json'),
  dataschema: (value) => text(value) ?? (URL.canParse(value as string) ? null : 'must be an absolute URI'),
  subject: text,
  time: (value) => text(value) ?? (isTime(value as string) ? null : 'must be a time as in RFC 3339, such as 2026-11-24T06:00:00Z'),
};

/** Checks an event in JSON's form against CloudEvents 1.0. Throws InvalidRequestContentException that names the attribute, also in `details.attribute`. */
export function parseCloudEvent(value: unknown): CloudEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fault('specversion', 'is missing: the event must be an object');
  const event = value as Record<string, unknown>;
  for (const [name, check] of Object.entries(REQUIRED)) {
    const given = event[name] ?? undefined;
    const wrong = given === undefined ? 'is missing' : check(given);
    if (wrong !== null) throw fault(name, wrong);
  }
  for (const [name, given] of Object.entries(event)) {
    if (Object.hasOwn(REQUIRED, name) || name === 'data') continue;
    const wrong = name === 'data_base64' ? base64(given, event) : attribute(name, given);
    if (wrong !== null) throw fault(name, wrong);
  }
  return event as CloudEvent;
}

/** When it happened, milliseconds since the epoch; null when it does not say. */
export function cloudEventMs(event: CloudEvent): number | null {
  const at = typeof event['time'] === 'string' ? Date.parse(event['time']) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

function attribute(name: string, value: unknown): string | null {
  if (!/^[a-z0-9]+$/.test(name)) return 'is no attribute: names are lower-case letters and digits';
  if (value === null) return null;
  const known = Object.hasOwn(OPTIONAL, name) ? OPTIONAL[name] : undefined;
  if (known !== undefined) return known(value);
  if (typeof value === 'boolean') return null;
  if (typeof value === 'number')
    return Number.isInteger(value) && value >= -MOST_INTEGER && value < MOST_INTEGER ? null : 'must be a whole number of 32 bits';
  if (typeof value !== 'string') return 'must be text, a whole number or a boolean';
  return NO_STRING.test(value) ? 'must not have control characters' : null;
}

function base64(value: unknown, event: Readonly<Record<string, unknown>>): string | null {
  if (event['data'] !== undefined) return 'must not be beside data';
  return value === null || (typeof value === 'string' && BASE64.test(value)) ? null : 'must be base64';
}

function isReference(value: string): boolean {
  return !/[\s<>"{}|\\^`]/.test(value) && URL.canParse(value, 'http://relative.invalid/');
}

function isTime(value: string): boolean {
  const [, year, month, day, hour, minute, second, zoneHour = '0', zoneMinute = '0'] = TIME.exec(value) ?? [];
  if (year === undefined) return false;
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const within = (part: string | undefined, least: number, most: number): boolean => Number(part) >= least && Number(part) <= most;
  return (
    within(month, 1, 12) &&
    within(day, 1, days) &&
    within(hour, 0, 23) &&
    within(minute, 0, 59) &&
    within(second, 0, 60) &&
    within(zoneHour, 0, 23) &&
    within(zoneMinute, 0, 59)
  );
}

function fault(attribute: string, what: string): HearthError {
  return new HearthError('InvalidRequestContentException', `${attribute}: ${what}`, { details: { attribute } });
}
