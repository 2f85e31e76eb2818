import type { Migration } from './migration.ts';

/**
 * What Lambda's API keeps beside functions and versions: aliases, policies, layers, event source mappings and the like.
 *
 * One table: they are few, small, read once at the start and looked up in memory; what tells them apart is their kind. Those of a function go
 * with it. `key` is unique among those of a kind, and begins with the function's id where there is one.
 */
export const lambdaResources: Migration = {
  name: '0005-lambda-resources',
  sql: `
    create table hearth.lambda_resource (
      account_id text not null,
      region text not null,
      kind text not null,
      key text not null,
      function_id text,
      document jsonb not null,
      primary key (account_id, region, kind, key),
      foreign key (account_id, region, function_id) references hearth.function on delete cascade
    );

    create index lambda_resource_of_function on hearth.lambda_resource (account_id, region, function_id) where function_id is not null;
  `,
};
