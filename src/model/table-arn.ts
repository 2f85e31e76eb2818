interface Place {
  readonly accountId: string;
  readonly region: string;
}

/** The changes of a table as a stream, in the form of AWS's ARNs. */
export interface TableStream extends Place {
  /** Variable with the connection string of another server; null: the database `app`. */
  readonly connection: string | null;
  /** SCHEMA.TABLE */
  readonly table: string;
}

const FORM = /^arn:aws:hearth:([a-z0-9-]+):(\d{12}):table\/(?:([A-Za-z_][A-Za-z0-9_]*)\/)?((?:[^.\s"/]{1,63}\.)?[^.\s"/]{1,63})$/;

/** `arn:aws:hearth:REGION:ACCOUNT:table/SCHEMA.TABLE`, or `…:table/VARIABLE/SCHEMA.TABLE` where the variable names another server; the schema `public` may be left out. */
export function parseTableArn(arn: string): TableStream | null {
  const [, region, accountId, connection, name] = FORM.exec(arn) ?? [];
  if (region === undefined || accountId === undefined || name === undefined) return null;
  return { region, accountId, connection: connection ?? null, table: name.includes('.') ? name : `public.${name}` };
}

/** Whether a table (`SCHEMA.TABLE`, or `TABLE` of `public`) is Hearth's or PostgreSQL's own: those trigger nothing, or each event would make another. */
export function isSystemTable(name: string): boolean {
  return /^(?:hearth|pg_catalog|information_schema)\./.test(name);
}

/** The ARN of a trigger's table. */
export function tableArn(trigger: Place & { readonly configuration: { readonly connection?: string | undefined } }, table: string): string {
  const { connection } = trigger.configuration;
  return `arn:aws:hearth:${trigger.region}:${trigger.accountId}:table/${connection === undefined ? '' : `${connection}/`}${table}`;
}
