import { parseDestination, type DestinationName } from '../../model/destination.ts';
import { destinationAddress, type DestinationManifest } from '../../model/destination-manifest.ts';
import type { FunctionManifest } from '../../model/manifest.ts';
import { HearthError } from '../../errors.ts';
import type { OwnDeps } from './api.ts';

/** A destination that a manifest names and that is not there: what is to go to it fails until it is. */
export interface MissingDestination {
  /** The key of the manifest: `async.onFailure`. */
  readonly at: string;
  readonly kind: 'function' | 'queue' | 'bucket';
  readonly name: string;
}

/** Those of a manifest. One that another deployment is about to make is among them. */
export function missingDestinations(manifest: FunctionManifest, deps: OwnDeps): MissingDestination[] {
  const { scope } = deps.registry;
  return named(manifest).flatMap(({ at, to }) => {
    const destination = read(typeof to === 'string' ? to : destinationAddress(to, scope));
    const missing = destination === null ? null : missingIn(destination, deps);
    return missing === null ? [] : [{ at, ...missing }];
  });
}

interface Named {
  readonly at: string;
  readonly to: string | Partial<DestinationManifest>;
}

function named({ async, triggers }: FunctionManifest): Named[] {
  const of = (at: string, to: Named['to'] | undefined): Named[] => (to === undefined ? [] : [{ at, to }]);
  return [
    ...of('async.onSuccess', async?.onSuccess),
    ...of('async.onFailure', async?.onFailure),
    ...of('async.deadLetter', async?.deadLetter),
    ...triggers.flatMap(({ database }, i) => of(`triggers[${i}].database.onFailure`, database?.onFailure)),
  ];
}

/** Null: whoever takes it says what is wrong with it. */
function read(address: string): DestinationName | null {
  try {
    return parseDestination(address);
  } catch (error) {
    if (error instanceof HearthError) return null;
    throw error;
  }
}

function missingIn(to: DestinationName, { registry, hasQueue, hasBucket }: OwnDeps): Omit<MissingDestination, 'at'> | null {
  if (to.kind === 'function' && registry.get(to.name) === null) return { kind: to.kind, name: to.name };
  if (to.kind === 'queue' && hasQueue?.(to.queue) === false) return { kind: to.kind, name: to.queue };
  if (to.kind === 'bucket' && hasBucket?.(to.bucket) === false) return { kind: to.kind, name: to.bucket };
  return null;
}
