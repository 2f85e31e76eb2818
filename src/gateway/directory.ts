import type { FunctionVersion } from '../model/function-version.ts';

/** Finds the version that a name means. */
export interface Directory {
  /**
   * `name`: a function's name, partial or full ARN; `qualifier`: a version, an alias or null for `$LATEST`.
   * Throws HearthError ResourceNotFoundException or ValidationException with Lambda's texts.
   */
  find(name: string, qualifier: string | null): FunctionVersion;
  /** By plain name, or null; for function URLs. */
  get(name: string): FunctionVersion | null;
}
