import { HearthError } from '../../errors.ts';

const MOST_ENTRIES = 10;

/** Refuses a batch that SQS takes no entry of. */
export function checkEntries(entries: readonly { readonly Id: string }[]): void {
  if (entries.length === 0) throw new HearthError('EmptyBatchRequest', 'There should be at least one entry in the request.');
  if (entries.length > MOST_ENTRIES)
    throw new HearthError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MOST_ENTRIES}. You have sent ${entries.length}.`,
    );
  if (entries.some((e) => !/^[a-zA-Z0-9-_]{1,80}$/.test(e.Id)))
    throw new HearthError(
      'InvalidBatchEntryId',
      'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
    );
  const ids = entries.map((e) => e.Id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw new HearthError('BatchEntryIdsNotDistinct', `Id ${twice} repeated.`);
}

/** An entry that was refused, as SQS answers it. */
export interface FailedEntry {
  readonly Id: string;
  readonly Code: string;
  readonly Message: string;
  readonly SenderFault: boolean;
}

/** What each entry comes to; one that is refused does not keep the others. */
export function batch<E extends { readonly Id: string }, T>(
  entries: readonly E[],
  each: (entry: E) => T,
): { done: { id: string; value: T }[]; failed: FailedEntry[] } {
  const done: { id: string; value: T }[] = [];
  const failed: FailedEntry[] = [];
  for (const entry of entries) {
    try {
      done.push({ id: entry.Id, value: each(entry) });
    } catch (error) {
      if (!(error instanceof HearthError) || error.fault !== 'caller') throw error;
      failed.push({ Id: entry.Id, Code: error.code, Message: error.message, SenderFault: true });
    }
  }
  return { done, failed };
}
