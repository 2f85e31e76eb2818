import { like } from '../../lib/wildcard.ts';
import { invalidPattern, type MessageTest } from './message-test.ts';

type ValueTest = (document: unknown) => boolean;

/** Parts of a JSON pattern: punctuation and operators, quoted text, selectors and bare words. */
const TOKEN = /\s*(?:(&&|\|\||!=|<=|>=|[={}()<>])|"((?:[^"\\]|\\.)*)"|(\$[^\s=!<>&|(){}]*|[^\s=!<>&|(){}"]+))/y;
const OPERATORS = ['=', '!=', '<', '>', '<=', '>='];
/** A pattern has at most 1,024 characters; nesting beyond this is no pattern. */
const DEEPEST = 100;

interface Token {
  readonly kind: 'mark' | 'quoted' | 'word';
  readonly text: string;
}

/** `{ $.level = "ERROR" && $.ms > 5 }`. Throws InvalidParameterException. A message that is no JSON object or list fits none. */
export function jsonPattern(pattern: string): MessageTest {
  const test = new Parser(tokensOf(pattern)).whole();
  return (message) => {
    const text = message.trimStart();
    if (!text.startsWith('{') && !text.startsWith('[')) return false;
    try {
      return test(JSON.parse(text));
    } catch {
      return false;
    }
  };
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < pattern.length) {
    const at = TOKEN.lastIndex;
    const [, mark, quoted, word] = TOKEN.exec(pattern) ?? [];
    if (mark !== undefined) tokens.push({ kind: 'mark', text: mark });
    else if (quoted !== undefined) tokens.push({ kind: 'quoted', text: quoted.replaceAll(/\\(["\\])/g, '$1') });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else throw invalidPattern(`nothing is understood from ${pattern.slice(at).trim()}`);
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): ValueTest {
    this.#expect('{');
    const test = this.#or();
    this.#expect('}');
    if (this.#at < this.#tokens.length) throw invalidPattern('there is more after the closing brace');
    return test;
  }

  #or(): ValueTest {
    const tests = [this.#and()];
    while (this.#take('||')) tests.push(this.#and());
    return (document) => tests.some((test) => test(document));
  }

  #and(): ValueTest {
    const tests = [this.#one()];
    while (this.#take('&&')) tests.push(this.#one());
    return (document) => tests.every((test) => test(document));
  }

  #one(): ValueTest {
    if (!this.#take('(')) return this.#condition();
    if (++this.#depth > DEEPEST) throw invalidPattern('it is nested too deeply');
    const test = this.#or();
    this.#expect(')');
    this.#depth--;
    return test;
  }

  #condition(): ValueTest {
    const select = selector(this.#next());
    const operator = this.#next();
    if (operator.kind === 'mark' && OPERATORS.includes(operator.text)) {
      const holds = comparison(operator.text, this.#next());
      return (document) => select(document).some(holds);
    }
    const word = operator.text.toUpperCase();
    const what = this.#next().text.toUpperCase();
    if (word === 'NOT' && what === 'EXISTS') return (document) => select(document).length === 0;
    const wanted = { NULL: null, TRUE: true, FALSE: false }[what];
    if (word !== 'IS' || wanted === undefined)
      throw invalidPattern(
        `'${operator.text} ${what}' is no condition; give one of ${OPERATORS.join(' ')}, IS NULL, IS TRUE, IS FALSE, NOT EXISTS`,
      );
    return (document) => select(document).some((value) => value === wanted);
  }

  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw invalidPattern('it ends too early');
    return token;
  }

  #take(mark: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'mark' || token.text !== mark) return false;
    this.#at++;
    return true;
  }

  #expect(mark: string): void {
    if (!this.#take(mark)) throw invalidPattern(`'${mark}' is missing`);
  }
}

/** `$.a.b[0]["c d"]`; `[*]`: any element. Gives the values that are there. */
function selector({ kind, text }: Token): (document: unknown) => unknown[] {
  const steps = [...text.slice(1).matchAll(/\.([\w-]+)|\[(\d+|\*)\]|\['([^']*)'\]/g)];
  if (kind !== 'word' || !text.startsWith('$') || steps.length === 0 || steps.map(([whole]) => whole).join('') !== text.slice(1))
    throw invalidPattern(`'${text}' is no selector; write $.name, $.name.inner or $.list[0]`);
  return (document) =>
    steps.reduce<unknown[]>(
      (values, [, name, index, quoted]) => values.flatMap((value) => step(value, name ?? quoted ?? null, index)),
      [document],
    );
}

function step(value: unknown, name: string | null, index: string | undefined): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (name !== null) return !Array.isArray(value) && Object.hasOwn(value, name) ? [(value as Record<string, unknown>)[name]] : [];
  if (!Array.isArray(value)) return [];
  return index === '*' ? value : value.slice(Number(index), Number(index) + 1);
}

/** Numbers compare as numbers; texts may have `*`. What is compared with another type does not fit. */
function comparison(operator: string, { kind, text }: Token): (value: unknown) => boolean {
  if (kind === 'mark') throw invalidPattern(`'${text}' is no value`);
  if (kind === 'word' && text.startsWith('%')) throw invalidPattern(`regular expressions are not served here: ${text}`);
  const number = kind === 'word' && text !== '' ? Number(text) : Number.NaN;
  const equal = (value: unknown): boolean => {
    if (typeof value === 'number' && !Number.isNaN(number)) return value === number;
    return (typeof value === 'string' || (kind === 'word' && typeof value === 'number')) && like(text, String(value), true);
  };
  if (operator === '=') return equal;
  if (operator === '!=') return (value) => (typeof value === 'string' || typeof value === 'number') && !equal(value);
  if (Number.isNaN(number)) throw invalidPattern(`${operator} compares numbers, and '${text}' is none`);
  return (value) => typeof value === 'number' && ordered(operator, value, number);
}

function ordered(operator: string, value: number, bound: number): boolean {
  if (operator === '<') return value < bound;
  if (operator === '<=') return value <= bound;
  return operator === '>' ? value > bound : value >= bound;
}
