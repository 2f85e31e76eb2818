import type { Pool, PoolClient } from 'pg';
import { isLineage, LINEAGE_MESSAGE } from '../../model/lineage.ts';
import { notTried, type Attempted } from './attempt.ts';

const OK: Attempted = { outcome: 'ok', errorType: '', message: '', response: null };

/** SQLSTATEs that will be no different another time: values or rows that the table does not take, columns that it has not. */
const FINAL = /^(?:22|23)|^(?:42703|42804|428C9)$/;
const NO_TABLE = '42P01';
/** There is no such function, or the role may not call it. */
const SAYS_NOTHING = new Set(['42883', '42501']);

/**
 * Writes what a function answered, an object or a list of objects, as rows of a table: members are columns by their names, what an object does not say is the
 * column's default. All or none of them; a row whose key is there already is left as it is, so that an answer which comes twice is there once. An answer of
 * null writes nothing. A table that is not there yet is waited for as whatever else fails. The transaction says which chain of events it belongs to, so that a loop
 * through the table is one.
 */
export async function insertAnswer(
  pool: Pool,
  table: string,
  { body, lineage }: { readonly body: Buffer; readonly lineage: string },
): Promise<Attempted> {
  const text = body.toString();
  const fault = faultOf(text);
  if (fault !== null) return notTried('DestinationRefused', `${table}: ${fault}`);
  try {
    await insert(pool, table, { text, lineage });
    return OK;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code !== undefined && FINAL.test(code)) return notTried('DestinationRefused', `${table}: ${message}`);
    const hint = code === NO_TABLE ? ': make it, and it is tried again' : '';
    return { outcome: 'system_error', errorType: code ?? 'Unreachable', message: `${table}: ${message}${hint}`, response: null };
  }
}

function faultOf(text: string): string | null {
  let answer: unknown;
  try {
    answer = JSON.parse(text === '' ? 'null' : text);
  } catch {
    return 'the answer is no JSON';
  }
  const rows = answer === null ? [] : Array.isArray(answer) ? (answer as unknown[]) : [answer];
  const isRow = (row: unknown): boolean => typeof row === 'object' && row !== null && !Array.isArray(row);
  return rows.every(isRow) ? null : 'an answer for a table is an object, or a list of objects, whose members are its columns';
}

/** The answer as a list, in PostgreSQL's own terms: numbers keep all their digits. */
const ROWS = `jsonb_array_elements(case jsonb_typeof($1::jsonb) when 'array' then $1::jsonb when 'object' then jsonb_build_array($1::jsonb) else '[]' end) as value`;
const KEYS = 'array(select k from jsonb_object_keys(value) k order by k)';

/** Those with the same members are written together. */
async function insert(pool: Pool, table: string, answer: { readonly text: string; readonly lineage: string }): Promise<void> {
  const into = quoted(table.split('.')).join('.');
  const given = answer.text === '' ? 'null' : answer.text;
  const client = await pool.connect();
  try {
    await begin(client, answer.lineage);
    const { rows } = await client.query<{ keys: string[] }>(`select distinct ${KEYS} as keys from ${ROWS}`, [given]);
    for (const { keys } of rows.filter((r) => r.keys.length > 0)) {
      const columns = quoted(keys).join(', ');
      await client.query(
        `insert into ${into} (${columns}) select ${columns} from jsonb_populate_recordset(null::${into},
           (select jsonb_agg(value) from ${ROWS} where ${KEYS} = $2::text[])) on conflict do nothing`,
        [given, keys],
      );
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

/** In the log before what is written, and gone with it when that is rolled back. A server that can't be told is written to all the same. */
async function begin(client: PoolClient, lineage: string): Promise<void> {
  if (!isLineage(lineage)) {
    await client.query('begin');
    return;
  }
  try {
    await client.query(`begin; select pg_catalog.pg_logical_emit_message(true, '${LINEAGE_MESSAGE}', '${lineage}')`);
  } catch (error) {
    if (!SAYS_NOTHING.has((error as { code?: string }).code ?? '')) throw error;
    await client.query('rollback; begin');
  }
}

function quoted(names: readonly string[]): string[] {
  return names.map((name) => `"${name.replaceAll('"', '""')}"`);
}
