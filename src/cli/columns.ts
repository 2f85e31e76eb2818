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

function lineWidth({ head, rows }: Columns, kept: readonly string[]): number {
  const widths = head.map((name, i) => (kept.includes(name) ? Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)) + GAP : 0));
  return widths.reduce((sum, each) => sum + each, -GAP);
}
