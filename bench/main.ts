// npm run bench: runs one benchmark, or all, and prints what they measured.
import type { Bench, BenchContext, Report } from './bench.ts';
import { churn } from './churn.ts';
import { cold } from './cold.ts';
import { conformance } from './conformance.ts';
import { density } from './density.ts';
import { detectors } from './detectors.ts';
import { dev } from './dev.ts';
import { events } from './events.ts';
import { keepalive } from './keepalive.ts';
import { describeMachine, loadAverage } from './machine.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { overhead } from './overhead.ts';
import { peers } from './peers.ts';
import { rate } from './rate.ts';
import { Releases } from './releases.ts';
import { scale } from './scale.ts';
import { stream } from './stream.ts';
import { formatTable } from './table.ts';
import { triggers } from './triggers.ts';
import { uploads } from './uploads.ts';

const BENCHES: readonly Bench[] = [
  overhead,
  cold,
  scale,
  rate,
  stream,
  density,
  churn,
  keepalive,
  dev,
  peers,
  detectors,
  events,
  triggers,
  uploads,
  conformance,
];

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = optionsOrNull(args);
  const chosen = options && BENCHES.filter((bench) => options.name === null || bench.name === options.name);
  if (!options || !chosen?.length) {
    const list = BENCHES.map((bench) => `  ${bench.name.padEnd(10)} ${bench.what}`).join('\n');
    process.stderr.write(`${options ? `there is no benchmark '${options.name}'\n\n` : ''}${USAGE}\n\n${list}\n`);
    return 2;
  }
  const documents: Record<string, unknown> = {};
  let failed = false;
  for (const bench of chosen) {
    try {
      documents[bench.name] = await runOne(bench, options);
    } catch (error) {
      failed = true;
      documents[bench.name] = { bench: bench.name, error: (error as Error).message };
      process.stderr.write(`error: ${bench.name}: ${(error as Error).message}\n`);
    }
  }
  if (options.json) process.stdout.write(`${JSON.stringify(options.name === null ? documents : documents[options.name])}\n`);
  return failed ? 1 : 0;
}

function optionsOrNull(args: readonly string[]): Options | null {
  try {
    return parseOptions(args);
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n\n`);
    return null;
  }
}

/** Whatever happens, what the benchmark started is gone afterwards; Ctrl-C included. */
async function runOne(bench: Bench, options: Options): Promise<unknown> {
  const releases = new Releases();
  const interrupted = (): void => {
    void releases.end().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  const machine = describeMachine();
  const loadBefore = loadAverage();
  process.stderr.write(`${bench.name}: ${bench.what}\n`);
  const context: BenchContext = { options, releases, tell: (message) => void process.stderr.write(`  ${message}\n`) };
  try {
    const report = await bench.run(context);
    print(report);
    return { bench: bench.name, ...report.figures, notes: report.notes, machine, loadBefore, loadAfter: loadAverage() };
  } finally {
    await releases.end();
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

function print({ tables, notes }: Report): void {
  for (const table of tables) process.stdout.write(`\n${formatTable(table)}\n`);
  if (notes.length > 0) process.stdout.write(`\n${notes.map((note) => `- ${note}`).join('\n')}\n`);
  const { cpu, cores, memoryGb, node, kernel } = describeMachine();
  process.stdout.write(`\n${cpu}, ${cores} cores, ${memoryGb} GB; Node.js ${node}, Linux ${kernel}; load ${loadAverage().join(' ')}\n\n`);
}
