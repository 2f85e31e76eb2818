import type { ClientConfig } from 'pg';
import type { FunctionRegistry } from '../control/registry.ts';
import { HearthError } from '../errors.ts';
import type { TriggerRecord } from '../model/trigger-record.ts';
import type { PostgresStore } from '../store/postgres-store.ts';
import type { TriggerLog } from '../triggers/trigger.ts';

export interface ConnectionParts {
  readonly store: Pick<PostgresStore, 'embedded' | 'triggers'>;
  /** Somebody's own PostgreSQL for Hearth's state. */
  readonly databaseUrl: string | null;
  readonly registry: FunctionRegistry;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: TriggerLog;
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
  log,
}: ConnectionParts): (record: TriggerRecord<'database'>) => ClientConfig {
  // A trigger is removed after its function, and with it its variables: what those held outlives them, and a restart.
  const last = new Map<string, string>();
  const keep = (id: string, value: string): void => {
    last.set(id, value);
    store.triggers.keepConnection(id, value).catch((err: unknown) => {
      last.delete(id);
      log.warn({ err, trigger: id }, 'by what a trigger reaches its database could not be kept; the next attempt tries again');
    });
  };
  return (record) => {
    const name = record.configuration.connection;
    if (name === undefined) return store.embedded?.connection('app') ?? { connectionString: databaseUrl ?? '' };
    const owner = registry.get(record.functionName);
    const owns = owner?.functionId === record.functionId;
    const own = owns ? owner?.environment[name] : undefined;
    const kept = last.get(record.id) ?? record.connection;
    const value = own ?? (owns ? (env[name] ?? kept) : (kept ?? env[name]));
    if (value !== undefined && /^postgres(ql)?:\/\//.test(value)) {
      if (value === own && own !== kept) keep(record.id, own); // the server's variables are its owner's to keep
      return { connectionString: value };
    }
    const what = value === undefined ? 'is not set' : 'is no connection string (postgresql://…)';
    const where = owns ? `for the function ${record.functionName} or for the server` : 'for the server, and start it again';
    throw new HearthError('ServiceUnavailable', `the variable ${name} ${what}: set it ${where}`);
  };
}
