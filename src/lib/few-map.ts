/**
 * A map that has one entry most of the time, or none. V8's own makes its table anew whenever the last entry goes, which costs each call that is put
 * into one and taken out again about a microsecond. In the order in which entries were set first, as V8's.
 */
export class FewMap<K, V> {
  #key: K | undefined = undefined;
  #value: V | undefined = undefined;
  #sole = false;
  /** All that were set while there was another. */
  #more: Map<K, V> | null = null;

  get size(): number {
    return (this.#sole ? 1 : 0) + (this.#more?.size ?? 0);
  }

  has(key: K): boolean {
    return (this.#sole && this.#key === key) || this.#more?.has(key) === true;
  }

  get(key: K): V | undefined {
    return this.#sole && this.#key === key ? this.#value : this.#more?.get(key);
  }

  set(key: K, value: V): void {
    if (this.#sole ? this.#key === key : this.#more === null) {
      this.#key = key;
      this.#value = value;
      this.#sole = true;
    } else (this.#more ??= new Map()).set(key, value);
  }

  delete(key: K): boolean {
    if (this.#sole && this.#key === key) {
      this.#key = undefined;
      this.#value = undefined;
      this.#sole = false;
      return true;
    }
    const was = this.#more?.delete(key) === true;
    if (this.#more?.size === 0) this.#more = null;
    return was;
  }

  clear(): void {
    this.#key = undefined;
    this.#value = undefined;
    this.#sole = false;
    this.#more = null;
  }

  /** What there is now: may be changed meanwhile. */
  entries(): [K, V][] {
    const more = this.#more === null ? [] : [...this.#more];
    return this.#sole ? [[this.#key as K, this.#value as V], ...more] : more;
  }

  /** The one that was set first; undefined when there is none. */
  firstKey(): K | undefined {
    return this.#sole ? this.#key : this.#more?.keys().next().value;
  }
}
