import { randomUUID } from 'node:crypto';

/** Makes identifiers; an argument wherever one is needed, so that a test can foresee them. */
export interface Ids {
  /** A version 4 UUID, as Lambda's request and revision ids are. */
  uuid(): string;
}

export const randomIds: Ids = { uuid: () => randomUUID() };
