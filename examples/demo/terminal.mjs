/** How the demo looks: a line a fact, colour only where there is a terminal. With --json, stdout is the document's alone. */
const out = process.argv.includes('--json') ? process.stderr : process.stdout;
const colours = out.isTTY && out.hasColors();
const paint = (code) => (text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : String(text));

export const bold = paint(1);
export const dim = paint(2);
export const rgb = ([r, g, b]) => paint(`38;2;${r};${g};${b}`);
export const trueColours = out.isTTY && out.hasColors(2 ** 24);

export const columns = () => out.columns ?? 80;

export const say = (text = '') => out.write(`${text}\n`);
export const heading = (text) => say(`\n${bold(text)}`);

/** `label   value   remark`, in columns. */
export const fact = (label, value, remark = '') =>
  say(`  ${label.padEnd(26)}${bold(String(value).padStart(10))}  ${dim(remark)}`.trimEnd());

export const ms = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

/** A line that is written over while something goes on; without a terminal only its last state is written. */
export function liveLine() {
  let last = '';
  return {
    show(text) {
      last = text;
      if (out.isTTY) out.write(`\r\x1b[2K${text}`);
    },
    end() {
      if (out.isTTY) out.write('\n');
      else if (last) say(last);
    },
  };
}
