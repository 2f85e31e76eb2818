import type { ClientConfig } from 'pg';
import type { FunctionRegistry } from '../control/registry.ts';
import { HearthError } from '../errors.ts';
import type { TriggerRecord } from '../model/trigger-record.ts';
import type { PostgresStore } from '../store/postgres-store.ts';

export interface ConnectionParts {
  readonly store: PostgresStore;
  /** Somebody's own PostgreSQL for Hearth's state. */
  readonly databaseUrl: string | null;
  readonly registry: FunctionRegistry;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Where a trigger's tables are: the database that its `connection` names, by a variable of the function or of the server; else the database `app` of the bundled
 * server, or Hearth's own database where somebody runs the server himself. Throws ServiceUnavailable when the variable holds no connection string.
 */
export function databaseConnection({
  store,
  databaseUrl,
  registry,
  env,
}: ConnectionParts): (record: TriggerRecord<'database'>) => ClientConfig {
  // A trigger is removed after its function, and with it its variables.
  const last = new Map<string, string>();
  return (record) => {
    const name = record.configuration.connection;
    if (name === undefined) return store.embedded?.connection('app') ?? { connectionString: databaseUrl ?? '' };
    const value = registry.get(record.functionName)?.environment[name] ?? env[name] ?? last.get(record.id);
    if (value !== undefined && /^postgres(ql)?:\/\//.test(value)) {
      last.set(record.id, value);
      return { connectionString: value };
    }
    const what = value === undefined ? 'is not set' : 'is no connection string (postgresql://…)';
    throw new HearthError(
      'ServiceUnavailable',
      `the variable ${name} ${what}: set it for the function ${record.functionName} or for the server`,
    );
  };
}
