/** A program on this machine that runs functions. */
export interface Interpreter {
  readonly language: string;
  /** Absolute path of the executable. */
  readonly path: string;
  readonly version: string;
}

/** What is installed on this machine; the runtimes' catalogue satisfies it. */
export interface Interpreters {
  /** The one that runs a runtime, or null when there is none. */
  find(runtime: string): Promise<Interpreter | null>;
  /** All that were found, for messages. */
  found(): Promise<readonly Interpreter[]>;
}
