// Works with 100 MB in small pieces, unless the event says light; keeps the last of them, which lies above all others.
let kept = Buffer.alloc(0);

export const handler = async ({ light }) => {
  if (light) return 0;
  const pieces = Array.from({ length: 1_600 }, () => Buffer.alloc(65_000, 0xa5));
  kept = pieces.at(-1);
  return pieces.length + kept.length;
};
