/** A pattern of EventBridge: members are patterns again, or lists of which one must fit. */
export type EventPattern = Readonly<Record<string, unknown>>;

/**
 * Whether a JSON value fits a pattern, as EventBridge and the filters of event source mappings define it: exact values, `prefix`, `suffix`,
 * `equals-ignore-case`, `wildcard`, `anything-but`, `numeric`, `exists`, `cidr` excepted, and `$or`. Of a list in the event, one element must fit.
 */
export function fits(pattern: EventPattern, event: unknown): boolean {
  return Object.entries(pattern).every(([key, wanted]) => {
    if (key === '$or' && Array.isArray(wanted)) return wanted.some((one) => isObject(one) && fits(one, event));
    const value = isObject(event) && Object.hasOwn(event, key) ? event[key] : undefined;
    if (Array.isArray(wanted)) return wanted.some((one) => oneFits(one, value));
    return isObject(wanted) && (Array.isArray(value) ? value.some((element) => fits(wanted, element)) : fits(wanted, value));
  });
}

function oneFits(wanted: unknown, value: unknown): boolean {
  if (isObject(wanted) && 'exists' in wanted) return (value !== undefined) === wanted['exists'];
  if (value === undefined) return false;
  // What a list must not be, none of its elements may be.
  if (isObject(wanted) && 'anything-but' in wanted && Array.isArray(value)) return value.every((element) => testFits(wanted, element));
  return Array.isArray(value) ? value.some((element) => testFits(wanted, element)) : testFits(wanted, value);
}

function testFits(wanted: unknown, value: unknown): boolean {
  if (!isObject(wanted)) return wanted === value;
  return Object.entries(wanted).every(([kind, operand]) => (TESTS[kind] ?? never)(operand, value));
}

const never = (): boolean => false;

const TESTS: Readonly<Record<string, (operand: unknown, value: unknown) => boolean>> = {
  prefix: (operand, value) => startsWith(value, operand),
  suffix: (operand, value) => endsWith(value, operand),
  'equals-ignore-case': (operand, value) => same(operand, value),
  wildcard: (operand, value) => typeof value === 'string' && wildcard(String(operand)).test(value),
  numeric: (operand, value) => typeof value === 'number' && Array.isArray(operand) && numeric(operand, value),
  'anything-but': (operand, value) => !excluded(operand, value),
};

function startsWith(value: unknown, operand: unknown): boolean {
  if (typeof value !== 'string') return false;
  if (isObject(operand)) return value.toLowerCase().startsWith(String(operand['equals-ignore-case']).toLowerCase());
  return value.startsWith(String(operand));
}

function endsWith(value: unknown, operand: unknown): boolean {
  if (typeof value !== 'string') return false;
  if (isObject(operand)) return value.toLowerCase().endsWith(String(operand['equals-ignore-case']).toLowerCase());
  return value.endsWith(String(operand));
}

function same(operand: unknown, value: unknown): boolean {
  return typeof value === 'string' && typeof operand === 'string' && value.toLowerCase() === operand.toLowerCase();
}

function excluded(operand: unknown, value: unknown): boolean {
  if (Array.isArray(operand)) return operand.includes(value);
  if (!isObject(operand)) return operand === value;
  return Object.entries(operand).some(([kind, inner]) =>
    (Array.isArray(inner) && kind !== 'numeric' ? inner : [inner]).some((one) => (TESTS[kind] ?? never)(one, value)),
  );
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

/** `*` stands for anything; a backslash takes it for itself. */
function wildcard(text: string): RegExp {
  const source = text.replaceAll(/\\[\\*]|[\s\S]/g, (part) => {
    if (part === '*') return '[\\s\\S]*';
    return (part.length === 2 ? part.slice(1) : part).replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${source}$`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
