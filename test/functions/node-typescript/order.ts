/** One line of an order. */
export interface Line {
  readonly cents: number;
  readonly count?: number;
}

export const total = (lines: readonly Line[]): number => lines.reduce((sum, { cents, count = 1 }) => sum + cents * count, 0);

export class EmptyOrder extends Error {
  constructor() {
    super('an order has at least one line');
    this.name = 'EmptyOrder';
  }
}

export function check(lines: readonly Line[]): void {
  if (lines.length === 0) throw new EmptyOrder();
}
