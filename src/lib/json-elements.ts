const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPEN: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSE: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** The elements of an array that is valid JSON, each as it was written: a number that JavaScript can't hold stays what it is. As deep as it may be. */
export function jsonElements(array: Buffer): Buffer[] {
  const elements: Buffer[] = [];
  let depth = 0;
  let from = 0;
  const end = (at: number): void => {
    const text = trimmed(array.subarray(from, at));
    if (text.length > 0) elements.push(text); // `[]` has none
    from = at + 1;
  };
  for (let at = 0; at < array.length; at++) {
    const byte = array[at] as number;
    if (byte === QUOTE) at = stringEnd(array, at);
    else if (OPEN.has(byte) && depth++ === 0) from = at + 1;
    else if ((CLOSE.has(byte) && --depth === 0) || (byte === COMMA && depth === 1)) end(at);
  }
  return elements;
}

/** Where the string that begins here ends. */
function stringEnd(json: Buffer, from: number): number {
  let at = from + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at;
}

function trimmed(json: Buffer): Buffer {
  let [from, to] = [0, json.length];
  while (from < to && isSpace(json[from])) from++;
  while (to > from && isSpace(json[to - 1])) to--;
  return json.subarray(from, to);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
