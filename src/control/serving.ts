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
 * comes off what `$LATEST` may use. A version whose scaling comes out otherwise than it is stored is run as a revision of its own.
 */
export function servingVersions({ latest, published }: FunctionVersions, kept: Kept): Map<string, FunctionVersion> {
  const { max } = latest.scaling;
  const provisioned = [...kept.values()].reduce((sum, n) => sum + n, 0);
  const serving = new Map<string, FunctionVersion>();
  serving.set('$LATEST', scaled(latest, { ...latest.scaling, max: max === null ? null : Math.max(0, max - provisioned) }));
  for (const [number, version] of published) {
    serving.set(number, scaled(version, { ...version.scaling, max, min: kept.get(number) ?? 0 }));
  }
  return serving;
}

function scaled(version: FunctionVersion, scaling: Scaling): FunctionVersion {
  const { min, max } = version.scaling;
  if (scaling.min === min && scaling.max === max) return version;
  const revisionId = derivedId(`${version.revisionId} ${scaling.min} ${scaling.max}`);
  return Object.freeze({ ...version, scaling: Object.freeze(scaling), revisionId });
}
