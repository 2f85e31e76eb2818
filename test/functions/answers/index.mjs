/** Answers what it is given; with ANSWER `sees`, what a detector would of the pictures of an upload; with `ids`, the ids of rows that changed. */
export async function handler(event) {
  if (process.env.ANSWER === 'ids') return { ids: event.Records.map((r) => r.after.id) };
  if (process.env.ANSWER !== 'sees') return event;
  return event.Records.flatMap((r) => {
    const picture = decodeURIComponent(r.s3.object.key.replaceAll('+', ' '));
    return [
      { picture, n: 1, class: 'cat' },
      { picture, n: 2 },
    ];
  });
}
