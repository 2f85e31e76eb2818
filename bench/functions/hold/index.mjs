// Stays busy until a moment that all calls share, and says from when to when it was: so that a benchmark can tell,
// without asking anybody meanwhile, whether all of them were in flight at once.
export const handler = async ({ untilMs }) => {
  const startedMs = Date.now();
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, untilMs - startedMs)));
  return { startedMs, endedMs: Date.now() };
};
