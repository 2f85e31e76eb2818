import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Why another user could not run what is here, as in root's own home; false where they can. Tests that run something as another user are skipped then. */
export function closedToOthers(): string | false {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return `${folder}, where this copy of Hearth is, is closed to other users`;
    if (folder === dirname(folder)) return false;
  }
}
