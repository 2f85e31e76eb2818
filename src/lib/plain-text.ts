/** A text as anything can keep it, PostgreSQL too: at most so many characters (UTF-16 code units), without NUL and without halves of surrogate pairs. */
export function plainText(text: string, most: number): string {
  const whole = Buffer.from(text.slice(0, most)).toString(); // halves of surrogate pairs are replaced
  return whole.replaceAll('\u0000', '\ufffd');
}
