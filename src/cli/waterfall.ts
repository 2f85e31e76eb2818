import type { Step } from '../client/answers.ts';

/** What a step is called, for people. */
const WORDS: Readonly<Record<Step['name'], string>> = {
  queue: 'wait for an instance',
  place: 'get ready',
  spawn: 'start it',
  rehearse: 'rehearse',
  wait: 'wait for its parent',
  fork: 'fork',
  connect: 'connect',
  confine: 'confine',
  greet: 'greet',
  setUp: 'set up',
  import: 'import',
  userInit: 'user init',
  check: 'may it be forked?',
  freeze: 'freeze',
  restore: 'restore hooks',
  handler: 'handler',
  reply: 'there and back',
};

const WHOSE: Readonly<Record<Step['of'], string>> = { invocation: '', runtime: 'runtime', snapshot: 'snapshot', instance: 'instance' };

/** A line of a drawn waterfall: whose step, which, how long, and its bar, which begins where the step does. */
export interface Row {
  readonly of: Step['of'];
  readonly whose: string;
  readonly step: string;
  readonly ms: string;
  readonly bar: string;
}

const EIGHTHS = ['▏', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/** Draws steps below each other, `columns` characters being `totalMs`. A step too short for its scale is a hair. */
export function drawWaterfall(steps: readonly Step[], totalMs: number, columns: number): Row[] {
  let before: Step['of'] | null = null;
  return steps.map((step) => {
    const whose = step.of === before ? '' : WHOSE[step.of];
    before = step.of;
    return { of: step.of, whose, step: WORDS[step.name], ms: figure(step.ms), bar: bar(step, totalMs, columns) };
  });
}

function bar({ atMs, ms }: Step, totalMs: number, columns: number): string {
  const perMs = totalMs > 0 ? columns / totalMs : 0;
  const from = Math.min(columns - 1, Math.max(0, Math.floor(atMs * perMs)));
  const length = Math.min(columns - from, ms * perMs);
  const whole = Math.floor(length);
  const eighths = Math.round((length - whole) * 8);
  const end = whole > 0 && eighths === 0 ? '' : (EIGHTHS[eighths] ?? '');
  return ' '.repeat(from) + '█'.repeat(whole) + end;
}

/** A tenth of a millisecond below a second, which is what a start is counted in. */
function figure(ms: number): string {
  return ms < 0.05 ? '0' : ms < 1_000 ? ms.toFixed(1) : String(Math.round(ms));
}
