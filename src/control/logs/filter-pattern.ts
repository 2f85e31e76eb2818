import { HearthError } from '../../errors.ts';
import { jsonPattern } from './json-pattern.ts';
import { invalidPattern, type MessageTest } from './message-test.ts';

const TERM = /\s*([-?]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))/y;

/**
 * A filter pattern of CloudWatch Logs: terms that must all be there (`ERROR "not found"`), that must not (`-debug`), of which one must (`?a ?b`, which
 * count only where there are no others, as there), or a JSON pattern (`{ $.level = "ERROR" }`). Upper and lower case differ. Throws
 * InvalidParameterException in a sentence; patterns of columns (`[ip, user, ...]`) and regular expressions (`%...%`) are among what it refuses.
 */
export function filterPattern(text: string): MessageTest {
  const pattern = text.trim();
  if (pattern === '') return () => true;
  if (pattern.startsWith('{')) return jsonPattern(pattern);
  if (pattern.startsWith('['))
    throw invalidPattern('patterns of space-delimited columns, [a, b, ...], are not served here; use terms or a JSON pattern');
  return termsPattern(pattern);
}

function termsPattern(pattern: string): MessageTest {
  const terms = { all: [] as string[], none: [] as string[], any: [] as string[] };
  TERM.lastIndex = 0;
  while (TERM.lastIndex < pattern.length) {
    const at = TERM.lastIndex;
    const [, sign = '', quoted, bare] = TERM.exec(pattern) ?? [];
    if (quoted === undefined && bare === undefined) throw invalidPattern(`a quotation mark is not closed: ${pattern.slice(at).trim()}`);
    if (bare !== undefined && !/^\w+$/.test(bare)) throw wrongTerm(bare);
    const kind = sign === '-' ? 'none' : sign === '?' ? 'any' : 'all';
    terms[kind].push(quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '');
  }
  const { all, none, any } = terms;
  const alone = all.length === 0 && none.length === 0;
  return (message) =>
    all.every((term) => message.includes(term)) &&
    !none.some((term) => message.includes(term)) &&
    (!alone || any.some((term) => message.includes(term)));
}

function wrongTerm(term: string): HearthError {
  if (term.startsWith('%')) return invalidPattern(`regular expressions are not served here: ${term}; use terms or a JSON pattern`);
  return new HearthError('InvalidParameterException', `Invalid character(s) in term '${term}'`);
}
