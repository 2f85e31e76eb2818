import type { Amendment } from '../control/registry.ts';
import type { Resources, UnfinishedRollout } from '../control/resources.ts';
import { HearthError } from '../errors.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { Logger } from '../observe/logger.ts';
import { fromDocument } from '../store/function-document.ts';

/** How often a revision is tried: one whose init phase takes the server with it would do so at every start. */
const MOST_TRIES = 3;

/** A revision that a server before this one was trying when it was killed, or ended. */
export interface Untried {
  /** What served meanwhile, and does until it is ready. */
  readonly previous: FunctionVersion;
  readonly amended: readonly Amendment[];
  /** How often it has been tried. */
  readonly tries: number;
  /** Whether it has been often enough. */
  readonly over: boolean;
}

/** What is kept of revisions that are tried in the place of one that works, so that a server which is killed meanwhile does not begin with one of which nothing is known. */
export class RolloutNotes {
  readonly #resources: Resources;
  readonly #log: Logger;

  constructor({ resources, log }: { readonly resources: Resources; readonly log: Logger }) {
    this.#resources = resources;
    this.#log = log;
  }

  /** What is known of the latest revision of a function; null: it was not being tried, or what served before can't be read any more. */
  find(version: FunctionVersion): Untried | null {
    const note = this.#resources.get('rollout', keyOf(version));
    if (note === null || note.revisionId !== version.revisionId) return null;
    try {
      const { previous, amended, tries } = note;
      return { previous: fromDocument(previous, previous), amended, tries, over: tries >= MOST_TRIES };
    } catch (err) {
      this.#log.warn({ err, function: version.name }, 'what served before the latest revision can’t be read any more: that serves untried');
      return null;
    }
  }

  /** A revision begins to be tried. Written in the background, as what follows is: callers wait for none of it. */
  begin(version: FunctionVersion, note: Pick<UnfinishedRollout, 'previous' | 'amended' | 'tries'>): void {
    this.#write(version, () =>
      this.#resources.put('rollout', keyOf(version), { revisionId: version.revisionId, ...note }, version.functionId),
    );
  }

  /** It serves, or does not and never will. */
  end(version: FunctionVersion): void {
    this.#write(version, () => this.#resources.remove('rollout', keyOf(version)));
  }

  /** One after the other: the last word counts. What can't be written is known at the next start as of a server that knew no notes. */
  #write(version: FunctionVersion, write: () => Promise<unknown>): void {
    this.#resources
      .inTurn(`rollout ${version.functionId}`, write)
      .catch(
        (err: unknown) =>
          isGone(err) || this.#log.warn({ err, function: version.name }, 'how a change of a function stands could not be noted'),
      );
  }
}

/** The function was removed meanwhile, and its note with it. */
function isGone(error: unknown): boolean {
  return error instanceof HearthError && error.code === 'ResourceNotFoundException';
}

function keyOf({ functionId }: FunctionVersion): string {
  return `${functionId}/`;
}
