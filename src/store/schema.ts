import type { ColumnType } from 'kysely';
import type { ColdStart } from '../model/waterfall.ts';

/** The tables of schema `hearth`, as kysely sees them; migrations/ makes them. Times are read as epoch milliseconds by the queries. */
export interface Database {
  'hearth.function': FunctionTable;
  'hearth.function_version': FunctionVersionTable;
  'hearth.lambda_resource': LambdaResourceTable;
  'hearth.usage': UsageTable;
}

interface FunctionTable {
  account_id: string;
  region: string;
  function_id: string;
  name: string;
}

interface FunctionVersionTable {
  account_id: string;
  region: string;
  function_id: string;
  version: string;
  revision_id: string;
  runtime: string;
  modified_at: ColumnType<Date, unknown, unknown>;
  document: ColumnType<unknown, string, string>;
}

interface LambdaResourceTable {
  account_id: string;
  region: string;
  kind: string;
  key: string;
  function_id: string | null;
  document: ColumnType<unknown, string, string>;
}

interface UsageTable {
  account_id: string;
  region: string;
  day: ColumnType<string, unknown, never>;
  request_id: string;
  attempt: number;
  function_id: string;
  function_name: string;
  version: string;
  revision_id: string;
  instance_id: string;
  started_at: ColumnType<Date, unknown, never>;
  duration_ms: number;
  billed_ms: string;
  init_ms: number | null;
  init_billed: boolean;
  memory_mb: number;
  memory_used_mb: number;
  cold_rung: string | null;
  cold_ms: number;
  bytes_in: string;
  bytes_out: string;
  outcome: string;
  queued_ms: number | null;
  handler_ms: number | null;
  start: ColdStart | null;
}
