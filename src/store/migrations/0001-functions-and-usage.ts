import type { Migration } from './migration.ts';

/**
 * Functions, their versions, and usage.
 *
 * Ids are text: opaque here, whoever made them. Account and region lead every key.
 *
 * Usage is partitioned by day. A unique key of a partitioned table must hold the partition key, so `day` (the UTC
 * date of the start) is a column of its own and part of the key rather than `started_at` being it: within a day
 * (request_id, attempt) is unique whatever else differs, and a record that is appended twice, after a commit whose
 * answer was lost, always carries the same start, so the same day. The default partition takes what no other does
 * (a clock far off): a record is never refused for want of a partition.
 *
 * Records come nearly in the order of their start, which is what a block range index is for: it costs an insert next to nothing, where two
 * B-trees beside the key doubled PostgreSQL's work for each invocation.
 */
export const functionsAndUsage: Migration = {
  name: '0001-functions-and-usage',
  sql: `
    create table hearth.function (
      account_id text not null,
      region text not null,
      function_id text not null,
      name text not null,
      created_at timestamptz not null default now(),
      primary key (account_id, region, function_id),
      constraint function_name_taken unique (account_id, region, name)
    );

    create table hearth.function_version (
      account_id text not null,
      region text not null,
      function_id text not null,
      version text not null,
      revision_id text not null,
      runtime text not null,
      modified_at timestamptz not null,
      document jsonb not null,
      primary key (account_id, region, function_id, version),
      foreign key (account_id, region, function_id) references hearth.function on delete cascade
    );

    create table hearth.usage (
      account_id text not null,
      region text not null,
      day date not null,
      request_id text not null,
      attempt integer not null,
      function_id text not null,
      function_name text not null,
      version text not null,
      revision_id text not null,
      instance_id text not null,
      started_at timestamptz not null,
      duration_ms double precision not null,
      billed_ms bigint not null check (billed_ms >= 0),
      init_ms double precision,
      init_billed boolean not null,
      memory_mb integer not null check (memory_mb >= 0),
      memory_used_mb double precision not null,
      cold_rung text,
      cold_ms double precision not null,
      bytes_in bigint not null,
      bytes_out bigint not null,
      outcome text not null,
      -- Exact: 1/1024 GB a MB times 1/1000 s a ms is a finite decimal. A division would be rounded.
      gb_seconds numeric not null generated always as (billed_ms::numeric * memory_mb * 0.0000009765625) stored,
      primary key (account_id, region, day, request_id, attempt)
    ) partition by range (day);

    create table hearth.usage_default partition of hearth.usage default;

    create index usage_by_start on hearth.usage using brin (started_at);
  `,
};
