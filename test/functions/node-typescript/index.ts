import { basename } from 'node:path';
import { check, total, type Line } from './order.ts';

interface Order {
  readonly lines: readonly Line[];
}

enum Currency {
  Euro = 'EUR',
}

const file = await Promise.resolve(basename(import.meta.url));

/** Adds up an order; it must have lines. */
export const handler = async ({ lines }: Order): Promise<{ total: number; currency: Currency; file: string }> => {
  check(lines);
  return { total: total(lines), currency: Currency.Euro, file };
};
