import type { ColumnType } from 'kysely';
import type { ColdStart } from '../model/waterfall.ts';

/** The tables of schema `hearth`, as kysely sees them; migrations/ makes them. Times are read as epoch milliseconds by the queries. */
export interface Database {
  'hearth.function': FunctionTable;
  'hearth.function_version': FunctionVersionTable;
  'hearth.lambda_resource': LambdaResourceTable;
  'hearth.function_habit': FunctionHabitTable;
  'hearth.usage': UsageTable;
  'hearth.delivery': DeliveryTable;
}

interface DeliveryTable {
  seq: ColumnType<string, never, never>;
  event_id: string;
  lane: string;
  qualifier: string;
  function_id: string;
  destination: ColumnType<unknown, string | null, string | null>;
  policy: ColumnType<unknown, string | null, string | null>;
  source: string;
  source_arn: string;
  subject: string;
  order_key: string | null;
  request_id: string;
  payload: Buffer;
  client_context: string;
  lineage: string;
  trace_id: string;
  occurred_at: ColumnType<Date, unknown, unknown>;
  accepted_at: ColumnType<Date, unknown, unknown>;
  queued_at: ColumnType<Date, unknown, unknown>;
  state: string;
  due_at: ColumnType<Date, unknown, unknown>;
  lease_until: ColumnType<Date | null, unknown, unknown>;
  attempts: number;
  function_errors: number;
  system_errors: number;
  history: ColumnType<unknown, string, string>;
  reason: string | null;
  finished_at: ColumnType<Date | null, unknown, unknown>;
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

interface FunctionHabitTable {
  account_id: string;
  region: string;
  function_id: string;
  last_used_at: ColumnType<Date | null, unknown, unknown>;
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
