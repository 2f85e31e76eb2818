import type { FunctionVersion } from '../../model/function-version.ts';
import type { StartCause, StartReason } from '../../model/waterfall.ts';

/** Why a version has no snapshot at this moment. Times in milliseconds of the wall clock. */
export type Absence =
  | { readonly kind: 'new' }
  | { readonly kind: 'evicted'; readonly by: 'idle' | 'memory' | 'asked'; readonly atMs: number; readonly unusedMs: number }
  | { readonly kind: 'lost' | 'failed'; readonly atMs: number };

/** What there was when a start was ordered. */
export interface StartObservation {
  readonly version: Pick<FunctionVersion, 'modifiedAtMs' | 'snapshot' | 'scaling'>;
  /** What the start found: a snapshot, none, or a version that has none ever. */
  readonly found: { readonly kind: 'snapshot' } | { readonly kind: 'plain'; readonly reason: string } | Absence;
  /** A snapshot was being made when it was ordered, for another start. */
  readonly making?: boolean;
  /** Nobody had asked for the instance. */
  readonly keptReady: boolean;
  /** Instances of the version that were alive. */
  readonly instances: number;
  /** When the last of its instances ended, and whether that was under its invocation; null: none had. */
  readonly lastEnded: { readonly atMs: number; readonly atWork: boolean } | null;
  readonly serverStartedAtMs: number;
  readonly nowMs: number;
}

/** Why a start did not begin on a better rung. */
export function startReason(o: StartObservation): StartReason {
  if (o.keptReady) return reason('kept_ready', 'it had been started before anybody asked, to be ready');
  const { found } = o;
  const again = o.making === true ? ', and was being made again for another start' : '';
  switch (found.kind) {
    case 'snapshot':
      return noInstance(o);
    case 'plain':
      return o.version.snapshot === 'off'
        ? reason('snapshots_off', 'snapshots are off for this function, so each instance runs its own init phase')
        : reason('unforkable', `it can't be forked: ${found.reason}`);
    case 'new':
      return firstUse(o);
    case 'lost':
      return reason('snapshot_lost', `its snapshot ended by itself ${ago(o.nowMs - found.atMs)}${again}`);
    case 'failed':
      return reason(
        'init_failed',
        `no snapshot yet: its init phase failed when it last ran, ${ago(o.nowMs - found.atMs)}${again === '' ? '' : ', and was running again for another start'}`,
      );
    case 'evicted': {
      const when = ago(o.nowMs - found.atMs);
      if (found.by === 'idle')
        return reason('evicted_idle', `its snapshot was let go ${when}, after ${span(found.unusedMs)} without a start from it${again}`);
      if (found.by === 'memory') return reason('evicted_memory', `its snapshot was let go ${when}: the memory was needed${again}`);
      return reason('evicted_asked', `its snapshot was evicted ${when}, by hearth evict${again}`);
    }
    default:
      return found satisfies never;
  }
}

function firstUse({ version, serverStartedAtMs, nowMs, making }: StartObservation): StartReason {
  const changedMs = nowMs - version.modifiedAtMs;
  if (version.modifiedAtMs >= serverStartedAtMs)
    return reason(
      'deployed',
      `no snapshot yet: this revision was deployed ${ago(changedMs)}, and ${making === true ? 'it was being made for another start' : 'nothing had been started of it'}`,
    );
  if (making === true)
    return reason(
      'first_use',
      `no snapshot yet: the server started ${ago(nowMs - serverStartedAtMs)}, and it was being made for another start`,
    );
  return reason('first_use', `no snapshot yet: nothing had been started of it since the server started ${ago(nowMs - serverStartedAtMs)}`);
}

function noInstance({ instances, lastEnded, nowMs, version }: StartObservation): StartReason {
  if (instances > 0) {
    const { concurrency } = version.scaling;
    const each = concurrency > 1 ? ` with ${concurrency} invocations each` : '';
    return reason('instances_busy', instances === 1 ? `its one instance was busy${each}` : `all ${instances} instances were busy${each}`);
  }
  if (lastEnded === null) return reason('no_instance', 'no instance was alive: none had been started yet');
  const last = `no instance was alive: the last one ended ${ago(nowMs - lastEnded.atMs)}`;
  return lastEnded.atWork ? reason('instance_lost', `${last}, under its invocation`) : reason('no_instance', last);
}

function reason(cause: StartCause, text: string): StartReason {
  return { cause, text };
}

function ago(ms: number): string {
  return `${span(ms)} ago`;
}

/** `0.4 s`, `12 s`, `3 min`, `5 h`, `2 days`. */
function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
