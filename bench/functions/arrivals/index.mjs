// Tells the address in COLLECTOR when it began and for what: the sender's marks (null where there are none), and the rows' commit times or the tick's time.
export const handler = async (event) => {
  const startedMs = Date.now();
  const monotonicMs = Number(process.hrtime.bigint()) / 1e6;
  const marks = event.Records?.map((r) => r.body ?? r.s3?.object.key.split('/').at(-1) ?? r.after?.mark ?? null) ?? [event.mark ?? null];
  const happenedMs = event.Records?.map((r) => r.source?.ts_ms ?? null) ?? [Date.parse(event.time ?? '')];
  const answer = await fetch(process.env.COLLECTOR, {
    method: 'POST',
    body: JSON.stringify({ startedMs, monotonicMs, marks, happenedMs }),
  });
  await answer.arrayBuffer();
};
