import type { LogLine } from '../client/answers.ts';
import type { Clock } from '../lib/clock.ts';
import { moment } from './format.ts';
import type { Output } from './output.ts';

const COLOURS = ['cyan', 'magenta', 'green', 'blue', 'yellow'] as const;

/** Prints log lines for a person: when, of whom (when several are shown), what. */
export function logPrinter(
  { out, clock }: { readonly out: Output; readonly clock: Pick<Clock, 'now'> },
  several: boolean,
): (line: LogLine) => void {
  const colours = new Map<string, (typeof COLOURS)[number]>();
  return (line) => {
    const colour = colours.get(line.function) ?? COLOURS[colours.size % COLOURS.length] ?? 'cyan';
    colours.set(line.function, colour);
    const who = several ? `${out.paint(colour, line.function)} ` : '';
    // AWS's runtimes keep a message of several lines in one with carriage returns, after which a terminal would write each over the last.
    const text = line.text.replace(/\r?\n$/, '').replace(/\r\n?/g, '\n');
    out.line(`${out.paint('dim', moment(line.timeMs, clock.now()))} ${who}${line.stream === 'platform' ? out.paint('dim', text) : text}`);
  };
}
