// Uses a share of one core until its parent goes: `main.js SHARE`. In slices, as a program does that has work all the time.
const SLICE_MS = 10;

const share = Number(process.argv[2]);
process.once('disconnect', () => process.exit());

function slice(): void {
  const untilMs = performance.now() + SLICE_MS * share;
  while (performance.now() < untilMs);
  setTimeout(slice, SLICE_MS * (1 - share));
}

slice();
