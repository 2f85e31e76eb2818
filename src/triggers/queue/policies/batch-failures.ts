/**
 * Which messages of a batch failed, by what the function answered (`ReportBatchItemFailures`), as Lambda reads it: no answer, or one without the
 * member, or with an empty or null one, means that all went well; what is no JSON, a member that is no list, an empty, null or missing identifier, or
 * one that was not in the batch mean that all failed.
 */
export function failedItems(answer: Buffer, ids: readonly string[]): ReadonlySet<string> {
  const all = new Set(ids);
  let document: unknown;
  try {
    document = answer.length === 0 ? null : JSON.parse(answer.toString());
  } catch {
    return all;
  }
  if (document === null || typeof document !== 'object') return new Set();
  const failures = (document as { batchItemFailures?: unknown }).batchItemFailures ?? [];
  if (!Array.isArray(failures)) return all;
  const failed = new Set<string>();
  for (const failure of failures as unknown[]) {
    const id = (failure as { itemIdentifier?: unknown } | null)?.itemIdentifier;
    if (typeof id !== 'string' || !all.has(id)) return all;
    failed.add(id);
  }
  return failed;
}
