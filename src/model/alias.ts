/** A name of a version, and of what share of its invocations go to another. */
export interface Alias {
  readonly name: string;
  /** The version that gets what the weights leave: `$LATEST` or a number. */
  readonly functionVersion: string;
  readonly description: string;
  /** At most one other version with its share, 0 to 1. */
  readonly weights: Readonly<Record<string, number>>;
  readonly revisionId: string;
}

/** The version that an invocation of an alias goes to. `random`: in [0, 1). */
export function routed(alias: Alias, random: number): string {
  let rest = random;
  for (const [version, weight] of Object.entries(alias.weights)) {
    if (rest < weight) return version;
    rest -= weight;
  }
  return alias.functionVersion;
}
