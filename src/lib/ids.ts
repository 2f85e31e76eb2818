import { randomUUID } from 'node:crypto';

/** Makes identifiers; an argument wherever one is needed, so that a test can foresee them. */
export interface Ids {
  /** A version 4 UUID, as Lambda's revision ids are. */
  uuid(): string;
  /**
   * A UUID that sorts by the millisecond it was made in (version 7, RFC 9562), the other 74 bits being random: for what is written to the database
   * by the thousand a second. Random keys make it look for another page of the index for each of them.
   */
  ordered(): string;
}

/** `12345678-1234-7`, of the time and the version, which many of a millisecond have in common. */
let head = '';
let headMs = -1;

function ordered(): string {
  const ms = Date.now();
  if (ms !== headMs) {
    const hex = ms.toString(16).padStart(12, '0');
    head = `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
    headMs = ms;
  }
  return head + randomUUID().slice(head.length);
}

export const randomIds: Ids = { uuid: () => randomUUID(), ordered };
