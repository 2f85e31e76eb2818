/** Leaves megabytes behind, event.rounds times, so that whole collections are needed. */
export const handler = async (event) => {
  let kept = [];
  for (let i = 0; i < event.rounds; i++) {
    kept = Array.from({ length: 100_000 }, (_, j) => ({ i, j, text: `object ${i}` }));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return kept.length;
};
