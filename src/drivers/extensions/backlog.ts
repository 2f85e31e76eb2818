/** What waits for somebody, the oldest lost once it is more than so many bytes. */
export class Backlog<T> {
  readonly #mostBytes: number;
  readonly #bytesOf: (item: T) => number;
  #items: T[] = [];
  /** Where what waits begins: what is before it was lost. */
  #first = 0;
  #bytes = 0;
  #lost = { records: 0, bytes: 0 };

  constructor(mostBytes: number, bytesOf: (item: T) => number) {
    this.#mostBytes = mostBytes;
    this.#bytesOf = bytesOf;
  }

  get length(): number {
    return this.#items.length - this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#bytes += this.#bytesOf(item);
    this.#trim();
  }

  /** How much was lost since that was last taken. */
  get lost(): { readonly records: number; readonly bytes: number } {
    return this.#lost;
  }

  /** All that waits, oldest first, which goes on waiting. */
  all(): readonly T[] {
    return this.#items.slice(this.#first);
  }

  /** All that waits, oldest first; nothing does afterwards. */
  take(): T[] {
    const items = this.#first === 0 ? this.#items : this.#items.slice(this.#first);
    [this.#items, this.#first, this.#bytes] = [[], 0, 0];
    return items;
  }

  /** Has what was taken wait again, before what came meanwhile. */
  putBack(items: readonly T[]): void {
    const later = this.take();
    this.#items = [...items, ...later];
    this.#bytes = this.#items.reduce((sum, item) => sum + this.#bytesOf(item), 0);
    this.#trim();
  }

  /** The same, which counts as told. */
  takeLost(): { readonly records: number; readonly bytes: number } {
    const lost = this.#lost;
    this.#lost = { records: 0, bytes: 0 };
    return lost;
  }

  /** Counts what was lost before it came here. */
  addLost({ records, bytes }: { readonly records: number; readonly bytes: number }): void {
    this.#lost = { records: this.#lost.records + records, bytes: this.#lost.bytes + bytes };
  }

  #trim(): void {
    while (this.#bytes > this.#mostBytes) {
      const bytes = this.#bytesOf(this.#items[this.#first] as T);
      this.#items[this.#first++] = undefined as T; // the place is given back below, its content now
      this.#bytes -= bytes;
      this.addLost({ records: 1, bytes });
    }
    // Rarely, since it moves all that is left.
    if (this.#first > this.#items.length / 2) [this.#items, this.#first] = [this.#items.slice(this.#first), 0];
  }
}
