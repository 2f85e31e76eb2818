/** One field of a cron expression: what its numbers are called and may be. */
export interface FieldSpec {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of numbers, the first of which is `nameBase`. */
  readonly names?: readonly string[];
  readonly nameBase?: number;
}

/** A fault of an expression, in a sentence that names the fix. */
export class ExpressionError extends Error {}

/** Every number that a list of numbers, ranges and steps means, in order. Throws ExpressionError. */
export function numbersOf(text: string, spec: FieldSpec): number[] {
  const found = new Set<number>();
  for (const item of text.split(',')) for (const n of itemNumbers(item, spec)) found.add(n);
  return [...found].sort((a, b) => a - b);
}

/** One item: `*`, `5`, `MON`, `8-18`, and each with a step. */
export function itemNumbers(item: string, spec: FieldSpec): number[] {
  const [range = '', step, ...rest] = item.split('/');
  if (rest.length > 0) throw fault(spec, item, 'has more than one /');
  const by = step === undefined ? 1 : stepOf(step, item, spec);
  const [from, to] = range === '*' ? [spec.min, spec.max] : bounds(range, item, { spec, open: step !== undefined });
  const numbers = [];
  for (let n = from; n <= to; n += by) numbers.push(n);
  return numbers;
}

function stepOf(step: string, item: string, spec: FieldSpec): number {
  const by = /^\d{1,4}$/.test(step) ? Number(step) : 0;
  if (by < 1) throw fault(spec, item, 'needs a step of at least 1 after the /');
  return by;
}

/** `5/10` means from 5 on, as far as the field goes. */
function bounds(range: string, item: string, { spec, open }: { spec: FieldSpec; open: boolean }): [number, number] {
  const [first = '', last, ...rest] = range.split('-');
  if (rest.length > 0) throw fault(spec, item, 'is not a range');
  const from = numberOf(first, item, spec);
  if (last === undefined) return [from, open ? spec.max : from];
  const to = numberOf(last, item, spec);
  if (to < from) throw fault(spec, item, `runs backwards; write it as two: ${first}-${spec.max},${spec.min}-${last}`);
  return [from, to];
}

/** A number or a name. Throws ExpressionError when it is neither, or out of range. */
export function numberOf(text: string, item: string, spec: FieldSpec): number {
  const place = spec.names?.indexOf(text.toUpperCase()) ?? -1;
  if (place >= 0) return place + (spec.nameBase ?? 0);
  if (!/^\d{1,4}$/.test(text)) throw fault(spec, item, `is not understood; give ${spec.min}-${spec.max}${namesHint(spec)}`);
  const n = Number(text);
  if (n < spec.min || n > spec.max) throw fault(spec, item, `is out of range; ${spec.name} is ${spec.min}-${spec.max}`);
  return n;
}

function namesHint(spec: FieldSpec): string {
  return spec.names === undefined ? '' : ` or ${spec.names[0]}-${spec.names.at(-1)}`;
}

export function fault(spec: FieldSpec, item: string, what: string): ExpressionError {
  return new ExpressionError(`${spec.name} '${item}' ${what}`);
}
