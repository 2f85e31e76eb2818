import type { Artifacts } from '../../artifacts/artifacts.ts';
import type { Interpreters } from '../../artifacts/interpreters.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import { FUNCTION_NAME } from '../../model/manifest.ts';
import { HearthError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import type { FunctionRegistry } from '../registry.ts';
import type { Authority } from '../../auth/authority.ts';
import type { KeyRing } from '../key-ring.ts';
import type { Resources } from '../resources.ts';
import type { Deployments } from './deployments.ts';
import type { Events } from './events.ts';
import type { OpenLines } from './ndjson.ts';
import type { Platform } from './platform.ts';
import type { Sources } from './sources.ts';
import type { TriggerDesk } from './triggers.ts';

/** What the resources under /hearth/v1 work with. */
export interface OwnDeps {
  readonly registry: FunctionRegistry;
  readonly resources: Resources;
  readonly keys: KeyRing;
  readonly authority: Authority;
  readonly artifacts: Artifacts;
  readonly sources: Sources;
  readonly platform: Platform;
  readonly events: Events;
  readonly triggers: TriggerDesk;
  readonly interpreters: Interpreters;
  readonly clock: Clock;
  readonly deployments: Deployments;
  /** Whether there is a queue of that name or ARN, or a bucket of that name; without them nobody knows. */
  readonly hasQueue?: (queue: string) => boolean;
  readonly hasBucket?: (name: string) => boolean;
  readonly lines: OpenLines;
  /** Told of every error that is our own doing. */
  readonly report: (error: unknown, request: string) => void;
}

/** A function's name from a path or a query. Throws InvalidParameterValueException: names become paths of files. */
export function checkedName(name: unknown): string {
  if (typeof name === 'string' && FUNCTION_NAME.test(name)) return name;
  throw new HearthError(
    'InvalidParameterValueException',
    `${JSON.stringify(name)} is not a function's name: up to 64 letters, digits, - or _`,
  );
}

/** The function of that name. Throws ResourceNotFoundException. */
export function functionNamed(deps: OwnDeps, name: unknown): FunctionVersion {
  return deps.registry.require({ name: checkedName(name), qualifier: null });
}

/** A whole number of a query, or undefined when it is not given. */
export function wholeNumber(query: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const text = query[name];
  if (text === undefined || text === '') return undefined;
  if (typeof text === 'string' && /^\d{1,15}$/.test(text)) return Number(text);
  throw new HearthError('InvalidParameterValueException', `${name} must be a whole number, not ${JSON.stringify(text)}`);
}
