import { displayWidth } from './display-width.ts';

export interface Columns {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Between two columns. */
const GAP = 2;

/**
 * The columns that a terminal of so many characters a line has room for: as long as they are too wide, the next of the `spare` ones goes. What is
 * too wide without them stays so, for nothing that tells rows apart, or that somebody copies, is cut.
 */
export function fitting(all: Columns, width: number, spare: readonly string[]): Columns & { readonly left: readonly string[] } {
  let kept = all.head;
  const left: string[] = [];
  for (const name of spare) {
    if (lineWidth(all, kept) <= width) break;
    kept = kept.filter((other) => other !== name);
    left.push(name);
  }
  const rows = all.rows.map((row) => row.filter((_, i) => kept.includes(all.head[i] ?? '')));
  return { head: kept, rows, left: all.head.filter((name) => left.includes(name)) };
}

/** Rows as lines, their columns below each other. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = widthsOf(rows);
  return rows.map((row) => {
    const cells = row.map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - displayWidth(cell) + GAP));
    return cells.join('').trimEnd();
  });
}

function lineWidth({ head, rows }: Columns, kept: readonly string[]): number {
  const widths = widthsOf([head, ...rows]).filter((_, i) => kept.includes(head[i] ?? ''));
  return widths.reduce((sum, each) => sum + each + GAP, -GAP);
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell));
  return widths;
}
