import { BlockList, isIP } from 'node:net';

/** A pattern of EventBridge: members are patterns again, or lists of which one must fit. */
export type EventPattern = Readonly<Record<string, unknown>>;

/**
 * Whether a JSON value fits a pattern, as EventBridge and the filters of event source mappings define it: exact values, `prefix`, `suffix`,
 * `equals-ignore-case`, `wildcard`, `anything-but`, `numeric`, `cidr`, `exists` and `$or`. Of a list in the event one element must fit, whatever is asked
 * of it. The pattern is taken to be one: event-pattern-fault.ts tells.
 */
export function fits(pattern: EventPattern, event: unknown): boolean {
  return Object.entries(pattern).every(([key, wanted]) => {
    if (key === '$or' && Array.isArray(wanted)) return wanted.some((one) => isObject(one) && fits(one, event));
    if (isObject(event) && !Object.hasOwn(event, key)) {
      const joined = joinedMember(key, wanted, event);
      if (joined !== null) return memberFits(joined.wanted, joined.value);
    }
    return memberFits(wanted, isObject(event) && Object.hasOwn(event, key) ? event[key] : undefined);
  });
}

function memberFits(wanted: unknown, value: unknown): boolean {
  if (Array.isArray(wanted)) return wanted.some((one) => oneFits(one, value));
  return isObject(wanted) && (Array.isArray(value) ? value.some((element) => fits(wanted, element)) : fits(wanted, value));
}

/**
 * For EventBridge a name is a path: `state.status` in the one is `status` in `state` of the other, either way. What a member that an event does not have by its
 * name means then; null: nothing.
 */
function joinedMember(key: string, wanted: unknown, event: Record<string, unknown>): { wanted: unknown; value: unknown } | null {
  for (let dot = key.indexOf('.'); dot >= 0; dot = key.indexOf('.', dot + 1)) {
    const [first, rest] = [key.slice(0, dot), key.slice(dot + 1)];
    if (Object.hasOwn(event, first)) return { wanted: { [rest]: wanted }, value: event[first] };
  }
  if (!isObject(wanted)) return null;
  const below = Object.entries(event).filter(([name]) => name.startsWith(`${key}.`));
  if (below.length === 0) return null;
  return { wanted, value: Object.fromEntries(below.map(([name, value]) => [name.slice(key.length + 1), value])) };
}

function oneFits(wanted: unknown, value: unknown): boolean {
  const leaves = leavesOf(value);
  if (isObject(wanted) && 'exists' in wanted) return leaves.length > 0 === wanted['exists'];
  return leaves.some((leaf) => testFits(wanted, leaf));
}

/** The values that a test looks at: what has members is no value, and lists are looked into. */
function leavesOf(value: unknown): unknown[] {
  const leaves: unknown[] = [];
  // No recursion: whoever sends an event says how deep its lists are.
  for (const left = [value]; left.length > 0;) {
    const one = left.pop();
    if (Array.isArray(one)) for (const element of one as unknown[]) left.push(element);
    else if (one !== undefined && !isObject(one)) leaves.push(one);
  }
  return leaves;
}

function testFits(wanted: unknown, value: unknown): boolean {
  if (!isObject(wanted)) return wanted === value;
  return Object.entries(wanted).every(([kind, operand]) => testNamed(kind)(operand, value));
}

function testNamed(kind: string): (operand: unknown, value: unknown) => boolean {
  return (Object.hasOwn(TESTS, kind) ? TESTS[kind] : undefined) ?? (() => false);
}

const TESTS: Readonly<Record<string, (operand: unknown, value: unknown) => boolean>> = {
  prefix: (operand, value) => at(operand, value, (whole, part) => whole.startsWith(part)),
  suffix: (operand, value) => at(operand, value, (whole, part) => whole.endsWith(part)),
  'equals-ignore-case': (operand, value) => at({ 'equals-ignore-case': operand }, value, (whole, part) => whole === part),
  wildcard: (operand, value) => typeof value === 'string' && isLike(value, String(operand)),
  numeric: (operand, value) => typeof value === 'number' && Array.isArray(operand) && numeric(operand, value),
  'anything-but': (operand, value) => !excluded(operand, value),
  cidr: (operand, value) => typeof value === 'string' && lies(value, String(operand)),
};

/** A text beside what it must have at its beginning or end, in any case where the operand says so. */
function at(operand: unknown, value: unknown, has: (whole: string, part: string) => boolean): boolean {
  if (typeof value !== 'string') return false;
  if (isObject(operand)) return has(value.toLowerCase(), String(operand['equals-ignore-case']).toLowerCase());
  return has(value, String(operand));
}

function excluded(operand: unknown, value: unknown): boolean {
  if (Array.isArray(operand)) return operand.includes(value);
  if (!isObject(operand)) return operand === value;
  return Object.entries(operand).some(([kind, inner]) => [inner].flat().some((one) => testNamed(kind)(one, value)));
}

/** `['>', 0, '<=', 5]`: every comparison must hold. */
function numeric(comparisons: readonly unknown[], value: number): boolean {
  for (let i = 0; i + 1 < comparisons.length; i += 2) {
    const bound = Number(comparisons[i + 1]);
    const holds = { '=': value === bound, '<': value < bound, '<=': value <= bound, '>': value > bound, '>=': value >= bound }[
      String(comparisons[i])
    ];
    if (holds !== true) return false;
  }
  return comparisons.length >= 2;
}

/** Whether an address lies in a range, `10.0.0.0/24` or of IPv6. */
function lies(address: string, range: string): boolean {
  const [base = '', bits = ''] = range.split('/');
  const family = isIP(base);
  if (family === 0 || isIP(address) !== family) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(base, Number(bits), type);
  return list.check(address, type);
}

/** `*` stands for anything; a backslash takes it for itself. Whatever the pattern, a text is gone through once: a regular expression would go back at every star. */
function isLike(text: string, pattern: string): boolean {
  const parts = [''];
  for (const [token] of pattern.matchAll(/\\[\\*]|[\s\S]/g)) {
    if (token === '*') parts.push('');
    else parts[parts.length - 1] += token.length === 2 ? token.slice(1) : token;
  }
  const first = parts.shift() ?? '';
  const last = parts.pop();
  if (last === undefined) return text === first;
  const end = text.length - last.length;
  let at = first.length;
  if (at > end || !text.startsWith(first) || !text.endsWith(last)) return false;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= end;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
