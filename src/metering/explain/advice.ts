import type { FunctionVersion } from '../../model/function-version.ts';
import type { UsageRecord } from '../../model/usage.ts';
import type { ColdStart, Step, StepName } from '../../model/waterfall.ts';

/** One thing to change. `savesMs`: what it would have saved this invocation, at most; null where that can't be told. */
export interface Advice {
  readonly code: string;
  readonly text: string;
  readonly savesMs: number | null;
}

export interface Advised {
  readonly record: UsageRecord;
  readonly waterfall: readonly Step[];
  readonly version: FunctionVersion | null;
}

/** A part below this is not worth a word: of the whole, and in milliseconds. */
const SHARE = 0.2;
const LEAST_MS = 5;
/** What a start from a snapshot takes as a rule, to tell what one would save. */
const FORK_MS = 10;

/** What would have made an invocation faster, the most useful first; never nothing without saying so. */
export function advice(of: Advised): Advice[] {
  const { start } = of.record;
  if (start !== null && start.reason.cause === 'init_failed' && of.record.instanceId === '')
    return [start.rung === 'snapshot' ? FAILED_RESTORE : failedInit('')];
  const found = [...(start === null ? [] : forStart(start, of)), ...forQueue(of)];
  found.sort((a, b) => (b.savesMs ?? 0) - (a.savesMs ?? 0));
  return found.length > 0 ? found : [nothing(of)];
}

function failedInit(how: string): Advice {
  return {
    code: 'init_failed',
    text: `mend the init phase${how === '' ? '' : `, ${how}`}: hearth logs shows how it failed`,
    savesMs: null,
  };
}

const FAILED_RESTORE: Advice = {
  code: 'restore_failed',
  text: 'mend the after-restore hook: hearth logs shows how it failed',
  savesMs: null,
};

function forStart(start: ColdStart, of: Advised): Advice[] {
  const initMs = spent(of.waterfall, ['setUp', 'import', 'userInit', 'check', 'freeze']);
  const restoring = forRestore(of);
  if (start.reason.cause === 'kept_ready') return [...restoring, ...(initMs > 0 ? forInit(start, of, initMs) : [])];
  return [...forRung(start, of, initMs), ...(initMs > 0 ? forInit(start, of, initMs) : []), ...restoring, ...forFork(of)];
}

function forkable(why: string, record: UsageRecord, of: { readonly version: FunctionVersion | null; readonly initMs: number }): string {
  return of.version?.runtime.startsWith('provided') === true
    ? `each instance of a custom runtime runs its own init phase (${ms(of.initMs)}): make that shorter, or ${kept(record)} keeps one`
    : `make it forkable, so that the init phase (${ms(of.initMs)}) runs once and not for each instance: ${why}`;
}

const INSTANCE_LOST =
  'find out what ended the last instance under its invocation (a timeout, a crash, too much memory): hearth logs shows it; one that lives needs no start';

/** What keeps the next start from beginning so low. */
function forRung({ reason, unforkable, rung }: ColdStart, { record, version }: Advised, initMs: number): Advice[] {
  const savesMs = rung === 'snapshot' ? record.coldMs : Math.max(0, record.coldMs - FORK_MS);
  const change = (code: string, text: string): Advice[] => [{ code, text, savesMs }];
  const setting = version?.snapshot ?? 'onDeploy';
  switch (reason.cause) {
    case 'snapshots_off':
      return change(
        'snapshot',
        `set snapshot: onDeploy (it is off): the init phase (${ms(initMs)}) runs once, at deployment, and a start is a fork`,
      );
    case 'unforkable':
      return change('forkable', forkable(unforkable ?? reason.text, record, { version, initMs }));
    case 'first_use':
    case 'deployed':
      if (setting === 'onFirstUse')
        return change(
          'snapshot',
          `set snapshot: onDeploy (it is onFirstUse): the snapshot is made when you deploy, and no caller waits for its init phase (${ms(initMs)})`,
        );
      return change(
        'min',
        `deploy with hearth deploy, which makes the snapshot before anybody calls; after a start of the server, ${kept(record)} does`,
      );
    case 'evicted_idle':
      return change(
        'keep',
        `keep what it needs resident: ${kept(record)}, or a scaling.keepAlive in seconds that is longer than the pauses between calls`,
      );
    case 'evicted_memory':
      return change(
        'memory',
        `memory was short, the machine's or what fleet.residentBytes allows: hearth ps shows who has it; ${kept(record)} keeps an instance whatever comes`,
      );
    case 'no_instance':
      return change('keep', `an idle instance needs no start: ${longer(version)}, or ${kept(record)}`);
    case 'instance_lost':
      return change('instance_lost', INSTANCE_LOST);
    case 'instances_busy': {
      const more = (version?.scaling.concurrency ?? 1) > 1 ? '' : ', or scaling.concurrency where the handler mostly waits';
      return change(
        'min',
        `keep as many ready as are needed at once: ${numbered(record) ? 'more provisioned concurrency' : 'a higher scaling.min'}${more}`,
      );
    }
    case 'snapshot_lost':
      return [{ code: 'lost', text: 'find out what ended the snapshot: hearth logs, and memory (hearth status)', savesMs }];
    case 'init_failed':
      return [{ ...failedInit('which fails now and then'), savesMs }];
    case 'evicted_asked':
    case 'kept_ready':
      return [];
    default:
      return reason.cause satisfies never;
  }
}

function numbered({ version }: UsageRecord): boolean {
  return version !== '$LATEST';
}

/** What keeps an instance always: of a numbered version it is set by Lambda's API. */
function kept(record: UsageRecord): string {
  return numbered(record) ? 'provisioned concurrency (PutProvisionedConcurrencyConfig)' : 'scaling.min: 1';
}

/** How instances are kept longer than they are. */
function longer(version: FunctionVersion | null): string {
  const { keepAlive, keepAliveMs } = version?.scaling ?? {};
  if (keepAlive === 'fixed') return `a longer scaling.keepAlive${typeof keepAliveMs === 'number' ? ` (it is ${ms(keepAliveMs)})` : ''}`;
  return 'a scaling.keepAlive in seconds (what is kept by the habit of its callers goes when no call is likely)';
}

/** What makes the init phase itself shorter. */
function forInit({ slowestModules }: ColdStart, { record, waterfall, version }: Advised, initMs: number): Advice[] {
  const found: Advice[] = [];
  const worth = (spentMs: number): boolean => spentMs >= LEAST_MS && spentMs >= initMs * SHARE;
  // The handler's own module comes with all others in it: by its name or, where that is no longer known, because it is the slowest.
  const handlersOwn = version?.handler.replace(/\.[^.]*$/, '').replaceAll('/', '.');
  const slow = slowestModules.find(({ name }, i) => (handlersOwn === undefined ? i > 0 : moduleName(name) !== handlersOwn));
  if (slow !== undefined && worth(slow.ms)) {
    const text = `importing ${slow.name} takes ${ms(slow.ms)} of the init phase's ${ms(initMs)}: import it in the handler where not every call needs it, or something smaller`;
    found.push({ code: 'import', text, savesMs: Math.min(slow.ms, record.coldMs) });
  }
  const userMs = spent(waterfall, ['userInit']);
  if (worth(userMs)) {
    const text = `the handler's own module takes ${ms(userMs)} outside the handler: load there only what every call needs`;
    found.push({ code: 'user_init', text, savesMs: userMs });
  }
  return found;
}

/** What each instance does after its fork, by its hooks. */
function forRestore({ record, waterfall }: Advised): Advice[] {
  const restoreMs = spent(waterfall, ['restore']);
  if (restoreMs < LEAST_MS || restoreMs < record.coldMs * SHARE) return [];
  const text = `the after-restore hooks take ${ms(restoreMs)} in each instance: do there only what every call needs anew`;
  return [{ code: 'restore', text, savesMs: restoreMs }];
}

/** What makes the way from an order to an instance shorter. */
function forFork({ record, waterfall }: Advised): Advice[] {
  const waitedMs = waterfall.filter((s) => s.of === 'instance' && s.name === 'wait').reduce((sum, s) => sum + s.ms, 0);
  if (waitedMs < LEAST_MS || waitedMs < record.coldMs * SHARE) return [];
  const text = `its parent took up the order ${ms(waitedMs)} after it was given: it had others to fork before, as in a burst, or the machine was busy; ${numbered(record) ? 'provisioned concurrency (PutProvisionedConcurrencyConfig)' : 'scaling.min'} keeps instances that need no start`;
  return [{ code: 'burst', text, savesMs: waitedMs }];
}

function forQueue({ record, waterfall }: Advised): Advice[] {
  const queuedMs = spent(waterfall, ['queue']);
  if (queuedMs < LEAST_MS || queuedMs < (record.queuedMs + record.durationMs) * SHARE) return [];
  const text = `it waited ${ms(queuedMs)} for an instance to free or to be ordered: the machine was at its capacity, as many starts were under way as may be, or waiting promised to be quicker than a start`;
  return [{ code: 'queue', text, savesMs: queuedMs }];
}

function nothing({ record }: Advised): Advice {
  const totalMs = record.queuedMs + record.durationMs;
  const share = totalMs === 0 ? 0 : Math.round((100 * (record.handlerMs ?? record.durationMs)) / totalMs);
  const { start } = record;
  const ordered = start?.reason.cause === 'kept_ready';
  const what =
    start === null ? 'it was warm' : ordered ? 'an instance was being started before it came' : 'its start is as short as it gets';
  return {
    code: 'nothing',
    text: `nothing to change outside the handler: ${what}, and ${share} % of the time was the handler's`,
    savesMs: null,
  };
}

function spent(waterfall: readonly Step[], names: readonly StepName[]): number {
  return waterfall.filter((s) => names.includes(s.name)).reduce((sum, s) => sum + s.ms, 0);
}

/** `index.mjs`, `src/index.js`, `pkg.mod` -> as a handler names its module. */
function moduleName(name: string): string {
  return name.replace(/\.(mjs|cjs|js)$/, '').replaceAll('/', '.');
}

function ms(value: number): string {
  return value >= 1_000 ? `${Number((value / 1000).toFixed(1))} s` : value >= 10 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
}
