/** What may be claimed of payloads, in bytes, and the lanes that hold their share of them already. */
export interface Room {
  readonly bytes: number;
  readonly full: ReadonlySet<string>;
}

/**
 * How many bytes of payloads may be claimed while so many are held of each lane, of `most` that may be altogether. A lane counts for half of these at most, however large what it
 * runs is, and gets no more once it holds half of what the others leave; a claim takes half of what is left. So a lane that comes later finds room, whatever the
 * others hold, and for however long.
 */
export function room(held: ReadonlyMap<string, number>, most: number): Room {
  const counted = (bytes: number): number => Math.min(bytes, most / 2);
  const total = [...held.values()].reduce((sum, bytes) => sum + counted(bytes), 0);
  const full = [...held].filter(([, bytes]) => bytes >= (most - total + counted(bytes)) / 2).map(([lane]) => lane);
  return { bytes: Math.floor((most - total) / 2), full: new Set(full) };
}
