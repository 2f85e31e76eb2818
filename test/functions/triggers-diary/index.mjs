/** Tells every event to the address in DIARY. */
export async function handler(event, context) {
  const body = JSON.stringify({ n: 0, requestId: context.awsRequestId, event });
  const answer = await fetch(process.env.DIARY, { method: 'POST', body });
  await answer.arrayBuffer();
}
