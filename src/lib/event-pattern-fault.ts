import { isIP } from 'node:net';

/** EventBridge's bounds of numbers that are compared. */
const MOST = 5e9;

/** Words that name a test: in `$or` no member may be called so, or it would be one. */
const RESERVED = new Set(['prefix', 'suffix', 'equals-ignore-case', 'wildcard', 'numeric', 'anything-but', 'exists', 'cidr', 'exactly']);

/** Why a JSON value is no pattern of EventBridge, in its words and with where in the value; null: it is one. */
export function eventPatternFault(value: unknown): string | null {
  return objectFault(value, '', false);
}

function objectFault(value: unknown, at: string, inOr: boolean): string | null {
  if (!isObject(value)) return at === '' ? 'Filter is not an object' : `"${at}" must be an object or an array`;
  const members = Object.entries(value);
  if (members.length === 0) return at === '' ? 'Empty event pattern is not allowed' : `Empty objects are not allowed: "${at}"`;
  for (const [key, member] of members) {
    const fault = memberFault(key, member, { at: at === '' ? key : `${at}.${key}`, inOr });
    if (fault !== null) return fault;
  }
  return null;
}

function memberFault(key: string, member: unknown, { at, inOr }: { at: string; inOr: boolean }): string | null {
  if (key === '$or') return orFault(member, at);
  if (inOr && RESERVED.has(key)) return `${key} is Ruler reserved fieldName which cannot be used inside $or.`;
  if (!Array.isArray(member)) return objectFault(member, at, inOr);
  if (member.length === 0) return `Empty arrays are not allowed: "${at}"`;
  return firstOf(member, (element) => elementFault(element, at));
}

function orFault(member: unknown, at: string): string | null {
  if (!Array.isArray(member)) return 'It must be an Array followed with $or.';
  if (member.some((one) => !isObject(one))) return 'Only JSON object is allowed in array of $or relationship.';
  if (member.length < 2) return 'There must have at least 2 Objects in $or relationship.';
  return firstOf(member, (one) => objectFault(one, at, true));
}

function elementFault(element: unknown, at: string): string | null {
  if (Array.isArray(element)) return `Match value must be String, number, true, false, or null: "${at}"`;
  if (!isObject(element)) return null;
  const [kind, ...more] = Object.keys(element);
  if (kind === undefined) return `Match expression name not found: "${at}"`;
  if (more.length > 0) return `Only one key allowed in match expression: "${at}"`;
  const check = Object.hasOwn(OPERANDS, kind) ? OPERANDS[kind] : undefined;
  const fault = check === undefined ? `Unrecognized match type ${kind}` : check(element[kind]);
  return fault === null ? null : `${fault}: "${at}"`;
}

/** Why something is no operand of a test. */
const OPERANDS: Readonly<Record<string, (operand: unknown) => string | null>> = {
  prefix: (operand) => partFault('prefix', operand),
  suffix: (operand) => partFault('suffix', operand),
  'equals-ignore-case': (operand) => (typeof operand === 'string' ? null : 'equals-ignore-case match pattern must be a string'),
  wildcard: (operand) => wildcardFault(operand),
  numeric: (operand) => numericFault(operand),
  'anything-but': (operand) => anythingButFault(operand),
  exists: (operand) => (typeof operand === 'boolean' ? null : 'exists match pattern must be either true or false.'),
  cidr: (operand) => cidrFault(operand),
};

function partFault(kind: string, operand: unknown): string | null {
  if (typeof operand === 'string') return null;
  const keys = isObject(operand) ? Object.keys(operand) : [];
  if (keys.length === 1 && isObject(operand) && typeof operand['equals-ignore-case'] === 'string') return null;
  return `${kind} match pattern must be a string, or {"equals-ignore-case": a string}`;
}

function wildcardFault(operand: unknown): string | null {
  if (typeof operand !== 'string') return 'wildcard match pattern must be a string';
  const escaped = /(?:^|[^\\])(?:\\\\)*\\(?![\\*])/.exec(operand);
  if (escaped !== null) return 'Invalid escape character in wildcard: a backslash stands before * or another backslash';
  if (/\*\*/.test(operand.replaceAll(/\\[\\*]/g, 'x'))) return 'Consecutive wildcard characters';
  return null;
}

function numericFault(operand: unknown): string | null {
  if (!Array.isArray(operand)) return 'Value of numeric must be an array.';
  if (operand.length !== 2 && operand.length !== 4) return 'Too many or too few elements in numeric expression';
  const operators = operand.filter((_, i) => i % 2 === 0);
  const bounds = operand.filter((_, i) => i % 2 === 1);
  if (bounds.some((bound) => typeof bound !== 'number' || Math.abs(bound) > MOST))
    return `Value of numeric must be a number between -${MOST} and ${MOST}`;
  const [first = '', second] = operators.map(String);
  const unknown = operators.find((operator) => !['=', '<', '<=', '>', '>='].includes(String(operator)));
  if (unknown !== undefined) return `Unrecognized numeric range operator: ${String(unknown)}`;
  if (second === undefined) return null;
  if (!first.startsWith('>') || !second.startsWith('<'))
    return 'Bad numeric range operator: write the lower bound first, [">", 0, "<=", 5]';
  return Number(bounds[0]) < Number(bounds[1]) ? null : 'Bottom must be less than top';
}

/** A value, values of one type, or `prefix`, `suffix`, `equals-ignore-case` or `wildcard` with a text or texts. */
function anythingButFault(operand: unknown): string | null {
  if (!isObject(operand)) {
    const all = [operand].flat();
    const types = new Set(all.map((one) => typeof one));
    if (all.length > 0 && types.size === 1 && (types.has('string') || types.has('number'))) return null;
    return 'Value of anything-but must be a string, a number, or a list of either';
  }
  const [kind = '', ...more] = Object.keys(operand);
  if (more.length > 0 || !['prefix', 'suffix', 'equals-ignore-case', 'wildcard'].includes(kind))
    return `Unsupported anything-but pattern: ${kind === '' ? '{}' : kind}`;
  const texts = [operand[kind]].flat();
  if (texts.length === 0 || texts.some((one) => typeof one !== 'string' || (one === '' && kind !== 'wildcard')))
    return `Value of anything-but ${kind} must be a text that is not empty, or a list of such`;
  return kind === 'wildcard' ? firstOf(texts, wildcardFault) : null;
}

function cidrFault(operand: unknown): string | null {
  const [base = '', bits, ...more] = typeof operand === 'string' ? operand.split('/') : [];
  const family = isIP(base);
  if (family === 0 || more.length > 0 || bits === undefined || !/^\d{1,3}$/.test(bits))
    return "Malformed CIDR, one '/' required: write 10.0.0.0/24";
  return Number(bits) <= (family === 4 ? 32 : 128) ? null : `Malformed CIDR, mask bits must not exceed ${family === 4 ? 32 : 128}`;
}

function firstOf<T>(all: readonly T[], faultOf: (one: T) => string | null): string | null {
  for (const one of all) {
    const fault = faultOf(one);
    if (fault !== null) return fault;
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
