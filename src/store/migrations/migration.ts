/** One step of the schema's history. Never edited once released: its checksum is kept with the database. */
export interface Migration {
  /** `0001-functions-and-usage`: the file's name, whose number gives the order. */
  readonly name: string;
  /** Statements, run in the transaction that records the migration. */
  readonly sql: string;
}
