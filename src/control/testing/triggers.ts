import type { FunctionVersion } from '../../model/function-version.ts';
import type { TriggerKind, TriggerManifest } from '../../model/triggers.ts';
import type { TriggerDesk } from '../own/triggers.ts';

/** A desk that serves schedules only and notes what it was told. */
export class TestTriggers implements TriggerDesk {
  readonly reconciled: [string, readonly TriggerManifest[]][] = [];

  serves(kind: TriggerKind): boolean {
    return kind === 'http' || kind === 'schedule';
  }

  check(): void {}

  async reconcile(version: FunctionVersion, manifests: readonly TriggerManifest[]): Promise<void> {
    this.reconciled.push([version.name, manifests]);
  }

  list(): [] {
    return [];
  }
}
