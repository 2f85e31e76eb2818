import type { Input } from './model/check.ts';
import { invalid } from './operation.ts';

/** Checks the filters of an event source mapping. Throws InvalidParameterValueException in Lambda's words. */
export function checkFilters(criteria: Input | undefined): void {
  const filters = (criteria?.['Filters'] ?? []) as { readonly Pattern?: string }[];
  for (const { Pattern } of filters)
    if (Pattern === undefined || !isPattern(parsed(Pattern))) throw invalid('Invalid filter pattern definition.');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Members are patterns again, or lists of what a value may be. */
function isPattern(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  const members = Object.values(value);
  return members.length > 0 && members.every((member) => (Array.isArray(member) ? member.length > 0 : isPattern(member)));
}
