import { styleText } from 'node:util';
import { aligned, fitting } from './columns.ts';
import type { CliError } from './errors.ts';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'magenta' | 'blue';

export interface OutputOptions {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Which of stdin, stdout and stderr are terminals. */
  readonly terminals: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The only way to the terminal. Data goes to stdout; progress, remarks and errors go to stderr, so that a pipe
 * carries data and nothing else. Colours only on a terminal, and never with NO_COLOR.
 */
export class Output {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Somebody is there to watch progress. */
  readonly watched: boolean;
  /** Somebody is there to answer a question. */
  readonly canAsk: boolean;
  /** Characters a line of the terminal that data goes to; null: no terminal, or one of no known width. */
  readonly #width: number | null;
  readonly #colours: { readonly stdout: boolean; readonly stderr: boolean };

  constructor(options: OutputOptions) {
    this.stdout = options.stdout;
    this.stderr = options.stderr;
    this.watched =
      options.terminals.stderr && (options.stderr.columns ?? 0) >= LEAST_COLUMNS && options.env['TERM'] !== 'dumb' && !options.env['CI'];
    this.#width = (options.terminals.stdout && options.stdout.columns) || null;
    this.canAsk = options.terminals.stdin && options.terminals.stderr;
    const plain = Boolean(options.env['NO_COLOR']) || options.env['TERM'] === 'dumb';
    this.#colours = { stdout: options.terminals.stdout && !plain, stderr: options.terminals.stderr && !plain };
  }

  /** A line of data. */
  line(text = ''): void {
    this.stdout.write(`${text}\n`);
  }

  /** Bytes of data, untouched. */
  raw(data: Buffer): void {
    this.stdout.write(data);
  }

  /** One JSON document on one line. */
  json(value: unknown): void {
    this.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** A remark. */
  note(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  warn(text: string): void {
    this.note(`${this.mark('yellow', 'warning:')} ${text}`);
  }

  error(error: CliError): void {
    if (error.output) this.note(error.output.trimEnd());
    this.note(`${this.mark('red', 'error:')} ${error.message}`);
    if (error.fix !== null) this.note(`${this.mark('cyan', 'fix:')} ${error.fix}`);
  }

  /** Text styled for stdout. */
  paint(style: Style | readonly Style[], text: string): string {
    return styled(this.#colours.stdout, style, text);
  }

  /** Text styled for stderr. */
  mark(style: Style | readonly Style[], text: string): string {
    return styled(this.#colours.stderr, style, text);
  }

  /** Columns under bold heads, without rules; to stdout. A terminal that is too narrow does without the `spare` ones, which go in that order. */
  async table(allHeads: readonly string[], allRows: readonly (readonly string[])[], spare: readonly string[] = []): Promise<void> {
    const { head, rows, left } = fitting(
      { head: allHeads, rows: allRows.map((row) => row.map(onOneLine)) },
      this.#width ?? Infinity,
      spare,
    );
    for (const [i, line] of aligned([head, ...rows]).entries()) this.line(i === 0 ? this.paint('bold', line) : line);
    if (left.length > 0) this.note(this.mark('dim', `a wider terminal, or --json, shows ${left.join(', ')}, too`));
  }
}

/** A terminal of no known width can't redraw lines. */
const LEAST_COLUMNS = 20;

function styled(on: boolean, style: Style | readonly Style[], text: string): string {
  return on ? styleText(style as Parameters<typeof styleText>[0], text) : text;
}

/** A cell with a line break, or another control character, would be no cell any more. */
function onOneLine(cell: string): string {
  return cell.replace(/\s+/g, ' ').replace(/\p{Cc}/gu, '\ufffd');
}
