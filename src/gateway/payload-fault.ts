import { isUtf8 } from 'node:buffer';

/** Where Lambda's parser says it was: it reads bytes, and its columns begin with 1. */
const SOURCE = '[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: ';
const WANTED = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
/** Jackson's, of arrays and objects in one another. */
const MOST_DEPTH = 1_000;
const TOO_DEEP = `Document nesting depth (${MOST_DEPTH + 1}) exceeds the maximum allowed (${MOST_DEPTH}, from \`StreamReadConstraints.getMaxNestingDepth()\`)`;
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Why a payload is not JSON, in the words of the parser that AWS has before its functions (Jackson); null when it is JSON. Only for what was found
 * to be wrong already: it is not quick.
 */
export function payloadFault(body: Buffer): string | null {
  if (isUtf8(body) && parses(body)) return null;
  try {
    const reader = new Reader(body);
    reader.value();
    reader.space();
    return reader.fault(`Unexpected content after the value`, reader.at);
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}

function parses(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

class Fault extends Error {}

/** Walks through JSON and throws Fault at the first byte that can't be. */
class Reader {
  readonly #body: Buffer;
  /** Values that are begun. */
  #depth = 0;
  at = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  fault(what: string, at: number): string {
    const before = this.#body.subarray(0, at);
    const lastBreak = before.lastIndexOf(0x0a);
    const line = before.reduce((n, byte) => (byte === 0x0a ? n + 1 : n), 1);
    return `${what}\n at ${SOURCE}${line}, column: ${at - lastBreak}]`;
  }

  space(): void {
    while (SPACE.has(this.#body[this.at] ?? -1)) this.at++;
  }

  value(): void {
    if (++this.#depth > MOST_DEPTH + 1) throw new Fault(TOO_DEEP); // the innermost of what may be there has values, too
    this.space();
    const byte = this.#body[this.at];
    if (byte === undefined) this.#fail('Unexpected end-of-input', this.at);
    else if (byte === 0x7b) this.#object();
    else if (byte === 0x5b) this.#array();
    else if (byte === 0x22) this.#string();
    else if (byte === 0x2d || isDigit(byte)) this.#number();
    else if (isLetter(byte)) this.#word();
    else this.#unexpected(byte, `expected a valid value ${WANTED}`);
    this.#depth--;
  }

  #object(): void {
    const from = this.at++;
    for (let first = true; ; first = false) {
      this.space();
      const byte = this.#expectMore('Object', from);
      if (byte === 0x7d && first) break;
      if (byte !== 0x22) this.#unexpected(byte, 'was expecting double-quote to start field name');
      this.#string();
      this.space();
      const colon = this.#expectMore('Object', from);
      if (colon !== 0x3a) this.#unexpected(colon, 'was expecting a colon to separate field name and value');
      this.at++;
      this.value();
      this.space();
      const next = this.#expectMore('Object', from);
      if (next === 0x7d) break;
      if (next !== 0x2c) this.#unexpected(next, 'was expecting comma to separate Object entries');
      this.at++;
    }
    this.at++;
  }

  #array(): void {
    const from = this.at++;
    for (let first = true; ; first = false) {
      this.space();
      if (this.#expectMore('Array', from) === 0x5d && first) break;
      this.value();
      this.space();
      const next = this.#expectMore('Array', from);
      if (next === 0x5d) break;
      if (next !== 0x2c) this.#unexpected(next, 'was expecting comma to separate Array entries');
      this.at++;
    }
    this.at++;
  }

  #expectMore(kind: 'Object' | 'Array', from: number): number {
    const byte = this.#body[this.at];
    if (byte !== undefined) return byte;
    const start = this.fault('', from).slice('\n at '.length);
    return this.#fail(`Unexpected end-of-input: expected close marker for ${kind} (start marker at ${start})`, this.at);
  }

  #string(): void {
    this.at++;
    for (;;) {
      const byte = this.#body[this.at];
      if (byte === undefined) this.#fail('Unexpected end-of-input: was expecting closing quote for a string value', this.at);
      else if (byte === 0x22) break;
      else if (byte < 0x20)
        this.#fail(
          `Illegal unquoted character (${control(byte)}): has to be escaped using backslash to be included in string value`,
          this.at + 1,
        );
      else if (byte === 0x5c) this.at += 2;
      else this.#character(byte);
    }
    this.at++;
  }

  /** One character of UTF-8. */
  #character(byte: number): void {
    const length = byte < 0x80 ? 1 : byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 0;
    const hex = (b: number): string => `0x${b.toString(16)}`;
    if (length === 0 || byte >= 0xf8) this.#fail(`Invalid UTF-8 start byte ${hex(byte)}`, this.at + 1);
    for (let i = 1; i < length; i++) {
      const next = this.#body[this.at + i];
      if (next === undefined) this.#fail('Unexpected end-of-input in a multi-byte character', this.at + i);
      if ((next & 0xc0) !== 0x80) this.#fail(`Invalid UTF-8 middle byte ${hex(next)}`, this.at + i + 1);
    }
    this.at += length;
  }

  #number(): void {
    const match = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(this.#body.toString('latin1', this.at, this.at + 1_000));
    if (match === null)
      this.#unexpected(this.#body[this.at + 1] ?? 0, 'Expected digit (0-9) to follow minus sign, for valid numeric value');
    else this.at += match[0].length;
  }

  #word(): void {
    const from = this.at;
    for (const word of ['null', 'true', 'false']) {
      const rest = this.#body[from + word.length];
      if (this.#body.toString('latin1', from, from + word.length) === word && (rest === undefined || !isLetter(rest))) {
        this.at += word.length;
        return;
      }
    }
    // The rest of the token is read as text for the message: there, too, bytes may be wrong.
    for (;;) {
      const byte = this.#body[this.at];
      if (byte === undefined || (byte < 0x80 && !isLetter(byte) && !isDigit(byte))) break;
      this.#character(byte);
    }
    const token = this.#body.toString('utf8', from, Math.min(this.at, from + 256));
    this.#fail(`Unrecognized token '${token}': was expecting ${WANTED}`, this.at);
  }

  #unexpected(byte: number, wanted: string): never {
    return this.#fail(`Unexpected character (${shown(byte)}): ${wanted}`, this.at);
  }

  #fail(what: string, at: number): never {
    throw new Fault(this.fault(what, at));
  }
}

/** As Jackson shows a character that it did not want. */
function shown(byte: number): string {
  return byte < 0x20 || byte > 0x7e ? control(byte) : `'${String.fromCharCode(byte)}' (code ${byte})`;
}

function control(byte: number): string {
  return `(CTRL-CHAR, code ${byte})`;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f || byte === 0x24;
}
