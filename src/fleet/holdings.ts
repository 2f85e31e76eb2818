/** What everything resident is held to use of the machine's memory, bytes. Added up as it changes, so that asking costs nothing. */
export class Holdings<Item extends object> {
  readonly #bytes = new Map<Item, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  of(item: Item): number {
    return this.#bytes.get(item) ?? 0;
  }

  set(item: Item, bytes: number): void {
    this.#total += bytes - this.of(item);
    this.#bytes.set(item, bytes);
  }

  /** As `set`, for what may have gone meanwhile. */
  update(item: Item, bytes: number): void {
    if (this.#bytes.has(item)) this.set(item, bytes);
  }

  delete(item: Item): void {
    this.#total -= this.of(item);
    this.#bytes.delete(item);
  }
}
