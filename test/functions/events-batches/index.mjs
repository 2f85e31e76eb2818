/** Takes messages of a queue and says that those failed whose body has `poison`. */
export async function handler({ Records }) {
  const failed = Records.filter((r) => JSON.parse(r.body).poison === true);
  return { batchItemFailures: failed.map((r) => ({ itemIdentifier: r.messageId })) };
}
