/**
 * An exact decimal number: `units` times ten to the power of minus `scale`. For money and GB-seconds, which
 * must add up; binary floating point does not.
 */
export class Decimal {
  readonly #units: bigint;
  readonly #scale: number;

  private constructor(units: bigint, scale: number) {
    this.#units = units;
    this.#scale = scale;
  }

  static readonly ZERO = new Decimal(0n, 0);

  /** Reads `-12.5`, `0.0000166667`, `3`; throws RangeError on anything else, exponents included. */
  static parse(text: string): Decimal {
    const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
    if (match === null) throw new RangeError(`not a decimal number: ${JSON.stringify(text)}`);
    const fraction = match[3] ?? '';
    const units = BigInt(`${match[2]}${fraction}`);
    return new Decimal(match[1] === '-' ? -units : units, fraction.length);
  }

  /** From a whole number; throws RangeError when it is not one that a double holds exactly. */
  static whole(value: number): Decimal {
    if (!Number.isSafeInteger(value)) throw new RangeError(`not a whole number: ${value}`);
    return new Decimal(BigInt(value), 0);
  }

  plus(other: Decimal): Decimal {
    const scale = Math.max(this.#scale, other.#scale);
    return new Decimal(this.#at(scale) + other.#at(scale), scale);
  }

  times(other: Decimal): Decimal {
    return new Decimal(this.#units * other.#units, this.#scale + other.#scale);
  }

  /** Quotient to `digits` decimal places, rounded half away from zero: division alone is not always exact. */
  dividedBy(other: Decimal, digits: number): Decimal {
    if (other.#units === 0n) throw new RangeError('division by zero');
    const scaled = this.#units * 10n ** BigInt(digits + other.#scale);
    const divisor = other.#units * 10n ** BigInt(this.#scale);
    const negative = scaled < 0n !== divisor < 0n;
    const [top, bottom] = [magnitude(scaled), magnitude(divisor)];
    const rounded = (top * 2n + bottom) / (bottom * 2n);
    return new Decimal(negative ? -rounded : rounded, digits);
  }

  /** The shortest text with the same value: no exponent, no trailing zeros, no `-0`. */
  toString(): string {
    const digits = magnitude(this.#units)
      .toString()
      .padStart(this.#scale + 1, '0');
    const point = digits.length - this.#scale;
    const fraction = digits.slice(point).replace(/0+$/, '');
    const text = fraction === '' ? digits.slice(0, point) : `${digits.slice(0, point)}.${fraction}`;
    return this.#units < 0n ? `-${text}` : text;
  }

  #at(scale: number): bigint {
    return this.#units * 10n ** BigInt(scale - this.#scale);
  }
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
