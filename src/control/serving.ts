import type { FunctionVersion, Scaling } from '../model/function-version.ts';
import { derivedId } from './revisions.ts';

/** A function as its author made it. */
export interface FunctionVersions {
  readonly latest: FunctionVersion;
  /** By number. */
  readonly published: ReadonlyMap<string, FunctionVersion>;
}

/** Instances kept for a version, by its number. */
export type Kept = ReadonlyMap<string, number>;

/**
 * The versions as they are run. Reserved concurrency is the function's, whatever a version was published with; what is provisioned for versions
 * comes off what they share. A version may have what is provisioned for it, and all of what is shared. A version whose scaling comes out otherwise than it is stored is run as a revision of its own.
 */
export function servingVersions({ latest, published }: FunctionVersions, kept: Kept): Map<string, FunctionVersion> {
  const { max } = latest.scaling;
  const provisioned = [...kept.values()].reduce((sum, n) => sum + n, 0);
  const serving = new Map<string, FunctionVersion>();
  const shared = max === null ? null : Math.max(0, max - provisioned);
  serving.set('$LATEST', scaled(latest, { ...latest.scaling, max: shared }));
  for (const [number, version] of published) {
    const min = kept.get(number) ?? 0;
    serving.set(number, scaled(version, { ...version.scaling, max: shared === null ? null : shared + min, min }));
  }
  return serving;
}

function scaled(version: FunctionVersion, scaling: Scaling): FunctionVersion {
  const { min, max } = version.scaling;
  if (scaling.min === min && scaling.max === max) return version;
  const revisionId = derivedId(`${version.revisionId} ${scaling.min} ${scaling.max}`);
  return Object.freeze({ ...version, scaling: Object.freeze(scaling), revisionId });
}
