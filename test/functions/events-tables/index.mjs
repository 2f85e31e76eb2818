/** Tells the records of a batch to DIARY, then fails for those whose row has `bad`: as a whole, or with REPORT by naming them. */
export async function handler({ Records }, context) {
  const rows = Records.map((r) => ({ id: r.after.id, key: r.after.key ?? null, bad: r.after.bad === true }));
  const body = JSON.stringify({ n: rows.length, requestId: context.awsRequestId, event: { rows, table: Records[0].source.table, function: context.functionName } });
  const answer = await fetch(process.env.DIARY, { method: 'POST', body });
  await answer.arrayBuffer();
  const failed = Records.filter((r) => r.after.bad === true);
  if (process.env.REPORT === undefined && failed.length > 0) throw new Error(`row ${failed[0].after.id} is bad`);
  return { batchItemFailures: failed.map((r) => ({ itemIdentifier: r.eventID })) };
}
