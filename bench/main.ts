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
import { onInterrupt } from './interrupt.ts';
import { type Options, Misunderstood, parseOptions, USAGE } from './options.ts';
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

/** Exit codes: it could not measure; it was asked for something that does not exist. */
const FAILED = 1;
const MISUNDERSTOOD = 2;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = optionsOrNull(args);
  if (options === null) return MISUNDERSTOOD;
  if (options.help) {
    const list = BENCHES.map((bench) => `  ${bench.name.padEnd(11)} ${bench.what}`).join('\n');
    process.stdout.write(`${USAGE}\n\n${list}\n\nWhat each measures, and its figures: docs/reference/benchmarks.md\n`);
    return 0;
  }
  const wanted = BENCHES.filter((bench) => options.name === null || bench.name === options.name);
  if (wanted.length === 0) {
    complain(`there is no benchmark '${options.name}'; there are ${BENCHES.map((bench) => bench.name).join(', ')}`);
    return MISUNDERSTOOD;
  }
  const documents: Record<string, unknown> = {};
  let exitCode = 0;
  for (const bench of wanted) {
    try {
      const document = await runOne(bench, options);
      documents[bench.name] = document;
      if (!isEmpty(document)) continue;
      exitCode = Math.max(exitCode, FAILED);
      process.stderr.write(`error: ${bench.name}: nothing could be measured: ${document.notes.join('; ')}\n`);
    } catch (error) {
      exitCode = Math.max(exitCode, error instanceof Misunderstood ? MISUNDERSTOOD : FAILED);
      documents[bench.name] = { bench: bench.name, error: (error as Error).message };
      process.stderr.write(`error: ${bench.name}: ${(error as Error).message}\n`);
    }
  }
  if (options.json) process.stdout.write(`${JSON.stringify(options.name === null ? documents : documents[options.name])}\n`);
  return exitCode;
}

function optionsOrNull(args: readonly string[]): Options | null {
  try {
    return parseOptions(args);
  } catch (error) {
    complain((error as Error).message);
    return null;
  }
}

function complain(message: string): void {
  process.stderr.write(`error: ${message}\nnpm run bench -- --help tells what there is\n`);
}

/** What a benchmark comes to in JSON. */
interface Document extends Readonly<Record<string, unknown>> {
  readonly notes: readonly string[];
}

/** A table of which every row was left out. */
function isEmpty(document: Document): boolean {
  const rows = document['rows'];
  return Array.isArray(rows) && rows.length === 0;
}

/** Whatever happens, what the benchmark started is gone afterwards; Ctrl-C included. */
async function runOne(bench: Bench, options: Options): Promise<Document> {
  const releases = new Releases();
  const heedNoMore = onInterrupt(releases);
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
    await heedNoMore();
  }
}

function print({ tables, notes }: Report): void {
  for (const table of tables) process.stdout.write(`\n${formatTable(table)}\n`);
  if (notes.length > 0) process.stdout.write(`\n${notes.map((note) => `- ${note}`).join('\n')}\n`);
  const { cpu, cores, memoryGb, node, kernel } = describeMachine();
  process.stdout.write(`\n${cpu}, ${cores} cores, ${memoryGb} GB; Node.js ${node}, Linux ${kernel}; load ${loadAverage().join(' ')}\n\n`);
}
