import type { FastifyInstance } from 'fastify';
import type { FunctionVersion } from '../../model/function-version.ts';
import type { TriggerStatus } from '../../model/trigger-record.ts';
import type { TriggerKind, TriggerManifest } from '../../model/triggers.ts';
import { checkedName, functionNamed, type OwnDeps } from './api.ts';

/** What the control plane asks of triggers; the composition root satisfies it. */
export interface TriggerDesk {
  /** Whether triggers of that kind do anything here. */
  serves(kind: TriggerKind): boolean;
  /** Throws InvalidParameterValueException with a line for each trigger that can't be served, by its path in the manifest. */
  check(manifests: readonly TriggerManifest[]): void;
  /** Makes a function's triggers what its manifest says. Durable when it resolves. */
  reconcile(version: FunctionVersion, manifests: readonly TriggerManifest[]): Promise<void>;
  list(functionName: string | null): readonly (TriggerStatus & { readonly id: string; readonly function: string })[];
}

/** What invokes functions, and how it is. */
export function triggerResource(app: FastifyInstance, deps: OwnDeps): void {
  app.get<{ Querystring: Record<string, unknown> }>('/hearth/v1/triggers', (request) => {
    const name = request.query['function'];
    if (name === undefined) return { triggers: deps.triggers.list(null) };
    const triggers = deps.triggers.list(checkedName(name));
    // Those of a function that was removed are there until what they made elsewhere is gone.
    if (triggers.length === 0) functionNamed(deps, name);
    return { triggers };
  });
}
