import { eventPatternFault } from '../../lib/event-pattern-fault.ts';
import type { Input } from './model/check.ts';
import { invalid } from './operation.ts';

/** Checks the filters of an event source mapping. Throws InvalidParameterValueException in Lambda's words. */
export function checkFilters(criteria: Input | undefined): void {
  const filters = (criteria?.['Filters'] ?? []) as { readonly Pattern?: string }[];
  for (const { Pattern } of filters)
    if (Pattern === undefined || eventPatternFault(parsed(Pattern)) !== null) throw invalid('Invalid filter pattern definition.');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
