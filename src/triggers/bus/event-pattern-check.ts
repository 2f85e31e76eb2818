import { HearthError } from '../../errors.ts';
import type { EventPattern } from '../../lib/event-pattern.ts';

/** What an element of a pattern's list may be beside a value; see lib/event-pattern.ts. */
const TESTS = ['prefix', 'suffix', 'equals-ignore-case', 'wildcard', 'numeric', 'anything-but', 'exists'];

/** Reads a pattern. Throws InvalidEventPatternException in EventBridge's words. */
export function parseEventPattern(text: string): EventPattern {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid((error as Error).message, error);
  }
  checkObject(value, '');
  return value as EventPattern;
}

function checkObject(value: unknown, at: string): void {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw invalid(at === '' ? 'Filter is not an object' : `"${at}" must be an object or an array`);
  const members = Object.entries(value);
  if (members.length === 0) throw invalid(at === '' ? 'Empty event pattern is not allowed' : `Empty objects are not allowed: "${at}"`);
  for (const [key, member] of members) {
    const path = at === '' ? key : `${at}.${key}`;
    if (!Array.isArray(member)) checkObject(member, path);
    else if (member.length === 0) throw invalid(`Empty arrays are not allowed: "${path}"`);
    else if (key === '$or') for (const one of member) checkObject(one, path);
    else for (const one of member) checkElement(one, path);
  }
}

function checkElement(element: unknown, at: string): void {
  if (element === null || typeof element !== 'object') return;
  if (Array.isArray(element)) throw invalid(`a list within the list of "${at}" is not allowed`);
  const kinds = Object.keys(element);
  const unknown = kinds.find((kind) => !TESTS.includes(kind));
  if (unknown !== undefined || kinds.length === 0)
    throw invalid(`Unrecognized match type ${unknown ?? '(none)'} of "${at}"; known here: ${TESTS.join(', ')}`);
}

function invalid(reason: string, cause?: unknown): HearthError {
  return new HearthError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}`, { cause });
}
