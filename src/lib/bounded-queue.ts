/** First in, first out, with a bound: pushing into a full queue pushes the oldest out. */
export class BoundedQueue<T> {
  readonly #capacity: number;
  #items: T[] = [];
  /** Where the oldest is in `#items`; what lies before has been taken. */
  #head = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** True when it pushed the oldest out. */
  push(item: T): boolean {
    this.#items.push(item);
    if (this.length <= this.#capacity) return false;
    this.#take(1);
    return true;
  }

  /** The oldest ones, at most `count`, which stay until they are dropped. */
  peek(count: number): T[] {
    return this.#items.slice(this.#head, this.#head + count);
  }

  /** Takes the oldest `count` out. */
  drop(count: number): void {
    this.#take(Math.min(count, this.length));
  }

  #take(count: number): void {
    this.#head += count;
    // Moving the rest down costs as much as it is long: only when at least as much has been taken.
    if (this.#head < this.length) return;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}
