// The init phase: once for the snapshot, and every instance has what it made.
const madeAt = new Date().toISOString();

/** What every function looks like: an event comes in, an answer goes out. */
export const handler = async (event, context) => ({
  message: `Hello, ${event?.name ?? 'world'}!`,
  requestId: context.awsRequestId,
  madeAt,
});
