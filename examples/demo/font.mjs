/** Letters of 5 x 8 dots, a column a byte, the lowest bit on top: a picture with labels on a machine without fonts. */
const COLUMNS = {
  a: '2054545478', b: '7f48444438', c: '3844444420', d: '384444487f', e: '3854545418', f: '087e090102', g: '18a4a49c78', h: '7f08040478', i: '00447d4000',
  j: '2040403d00', k: '7f10284400', l: '00417f4000', m: '7c04180478', n: '7c08040478', o: '3844444438', p: 'fc18242418', q: '18242418fc', r: '7c08040408',
  s: '4854545420', t: '043f444020', u: '3c4040207c', v: '1c2040201c', w: '3c4030403c', x: '4428102844', y: '4c9090907c', z: '4464544c44',
  0: '3e5149453e', 1: '00427f4000', 2: '4261514946', 3: '2141454b31', 4: '1814127f10', 5: '2745454539', 6: '3c4a494930', 7: '0171090503', 8: '3649494936', 9: '064949291e',
  '%': '2313086462', '.': '0060600000', '-': '0808080808',
}; // prettier-ignore

const ADVANCE = 6;
export const HEIGHT = 8;

/** Width of a text in dots. */
export const widthOf = (text) => text.length * ADVANCE - 1;

/** The dots of a text as the path of an SVG, its upper left corner at x, y. */
export function textPath(text, x, y, dot) {
  const squares = [];
  [...text].forEach((letter, i) => {
    const columns = Buffer.from(COLUMNS[letter] ?? '', 'hex');
    columns.forEach((bits, column) => {
      for (let row = 0; row < HEIGHT; row++) {
        if (bits & (1 << row)) squares.push(`M${x + (i * ADVANCE + column) * dot} ${y + row * dot}h${dot}v${dot}h-${dot}z`);
      }
    });
  });
  return squares.join('');
}
