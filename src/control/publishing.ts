import { createHash } from 'node:crypto';
import { canonicalJson } from '../lib/canonical-json.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { Publications } from './resources.ts';

/** What may be said when a version is published. */
export interface Publication {
  /** Null: that of `$LATEST`. */
  readonly description?: string | null;
  /** Only while `$LATEST` is of this revision. */
  readonly revisionId?: string | null;
  /** Throws when `$LATEST` is not what the caller thinks it is. */
  readonly check?: (latest: FunctionVersion) => void;
}

export const NOTHING_PUBLISHED: Publications = { last: 0, fingerprint: '' };

/** Of the code and configuration that a version is made of: two that are alike are the same version. */
export function fingerprint(latest: FunctionVersion): string {
  const { revisionId: _1, modifiedAtMs: _2, tags: _3, url: _4, scaling, ...made } = latest;
  const of = { ...made, concurrency: scaling.concurrency, keepAliveMs: scaling.keepAliveMs };
  return createHash('sha256').update(canonicalJson(of)).digest('hex');
}

/**
 * Whether a version is what publishing `$LATEST` would make again, but for its number. `before` is the fingerprint of what it was made of; where that is of
 * no use, since servers used to make others, the version itself tells, unless it was given a description of its own.
 */
export function isPublished(latest: FunctionVersion, version: FunctionVersion, before: string): boolean {
  if (before === fingerprint(latest)) return true;
  const again = publishedVersion(latest, version.version, { revisionId: '', modifiedAtMs: 0, description: null });
  return fingerprint(again) === fingerprint(version);
}

/** The numbered version. Tags, the URL and what is kept alive are the function's, not a version's. */
export function publishedVersion(
  latest: FunctionVersion,
  version: string,
  made: { readonly revisionId: string; readonly modifiedAtMs: number; readonly description: string | null },
): FunctionVersion {
  return Object.freeze({
    ...latest,
    version,
    revisionId: made.revisionId,
    modifiedAtMs: made.modifiedAtMs,
    description: made.description ?? latest.description,
    tags: Object.freeze({}),
    url: null,
    scaling: Object.freeze({ ...latest.scaling, min: 0 }),
    // A version that is to start from a snapshot has it made when it is published.
    snapshot: snapStarts(latest) ? 'onDeploy' : latest.snapshot,
  });
}

/** Whether SnapStart was asked for: Hearth's snapshots are made with the version then, instead of with its first start. */
export function snapStarts({ kept }: FunctionVersion): boolean {
  return (kept?.['SnapStart'] as { ApplyOn?: string } | undefined)?.ApplyOn === 'PublishedVersions';
}
