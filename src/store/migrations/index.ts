import { functionsAndUsage } from './0001-functions-and-usage.ts';
import { waterfall } from './0006-waterfall.ts';
import { habits } from './0007-habits.ts';
import type { Migration } from './migration.ts';

/** Every migration, in order. */
export const MIGRATIONS: readonly Migration[] = [functionsAndUsage, waterfall, habits];
