import type { FunctionUrl, FunctionVersion } from '../model/function-version.ts';

/** A version that a caller named, as it is to be run. */
export interface Found {
  readonly version: FunctionVersion;
  /** The version or alias that was asked for, by whatever way; null when none was. */
  readonly qualifier: string | null;
}

/** Finds the version that a name means. Touches no database. */
export interface Directory {
  /**
   * `name`: a function's name, partial or full ARN; `qualifier`: a version, an alias or null for `$LATEST`. Of an alias with weights, chance
   * decides. Throws HearthError ResourceNotFoundException or ValidationException with Lambda's texts.
   */
  resolve(name: string, qualifier: string | null): Found;
  /** Throws HearthError SnapStartNotReadyException for a version that Lambda's Invoke does not take yet. */
  requireReady(version: FunctionVersion): void;
  /**
   * The URL of a function (`NAME`) or of an alias (`NAME:ALIAS`) and what it runs, or null when there is no such function. `anyCase`: where none is called
   * just so, it may be the only one whose name differs from that in nothing but case.
   */
  url(target: string, anyCase: boolean): (Found & { readonly url: FunctionUrl | null }) | null;
}
