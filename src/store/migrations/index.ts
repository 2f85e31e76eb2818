import { functionsAndUsage } from './0001-functions-and-usage.ts';
import { lambdaResources } from './0005-lambda-resources.ts';
import type { Migration } from './migration.ts';

/** Every migration, in order. */
export const MIGRATIONS: readonly Migration[] = [functionsAndUsage, lambdaResources];
