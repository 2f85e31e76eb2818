export type Cell = string | number | null;

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** A table for people: words to the left, figures to the right, `-` for what was not measured. */
export function formatTable({ title, columns, rows }: Table): string {
  const cells = rows.map((row) => row.map(show));
  const widths = columns.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const isFigure = columns.map((_, i) => rows.every((row) => typeof row[i] !== 'string'));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (isFigure[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [title, '', line(columns), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

/** Three figures that count: nobody reads the microseconds of a second. */
function show(cell: Cell): string {
  if (cell === null) return '-';
  if (typeof cell === 'string') return cell;
  const size = Math.abs(cell);
  if (Number.isInteger(cell) || size >= 100) return Math.round(cell).toLocaleString('en-US');
  return cell.toFixed(size >= 10 ? 1 : 2);
}
