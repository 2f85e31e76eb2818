/** A mean that follows: the newest sample counts `weight`, all before it the rest. Null before the first. */
export class RunningMean {
  readonly #weight: number;
  #value: number | null = null;

  constructor(weight: number) {
    this.#weight = weight;
  }

  get value(): number | null {
    return this.#value;
  }

  add(sample: number): void {
    this.#value = this.#value === null ? sample : this.#value * (1 - this.#weight) + sample * this.#weight;
  }
}
