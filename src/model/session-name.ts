/** The prefix of PostgreSQL's logical messages that say whose session a transaction is: the instance's id and the milliseconds since 1970 at which it began to write. */
export const SESSION_MESSAGE = 'hearth.session';

const NAME = 'hearth:';
const ID_LENGTH = 32;
const CONTENT = new RegExp(`^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12}) ([0-9]{1,16})$`);

/** What PostgreSQL's sessions of an instance are called (PGAPPNAME, which libpq, psycopg and node-postgres obey). `logStream` ends in the instance's id. */
export function sessionName(logStream: string): string {
  return NAME + logStream.slice(-ID_LENGTH);
}

/** Such a name as a regular expression of PostgreSQL's, the id in parentheses. */
export const SESSION_NAME_PATTERN = `^${NAME}([0-9a-f]{${ID_LENGTH}})$`;

/** What a message says; null where it is none of ours. */
export function readSession(content: string): { readonly instanceId: string; readonly atMs: number } | null {
  const parts = CONTENT.exec(content);
  return parts === null ? null : { instanceId: parts.slice(1, 6).join('-'), atMs: Number(parts[6]) };
}
