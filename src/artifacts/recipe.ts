import type { Workshop } from './workshop.ts';
import type { ToolEnd } from './tool.ts';

/** How to install what a function depends on. The same digest always gives the same folder. */
export interface Recipe {
  /** SHA-256 in hex of all that decides what will be installed. */
  readonly digest: string;
  /** The command as its author would type it, for progress and errors. */
  readonly command: string;
  /** Puts the inputs into the workshop's folder and runs the package manager there. */
  install(workshop: Workshop): Promise<ToolEnd>;
  /** What to try when it failed with this output, or ''. */
  advice(output: string): string;
}

/** What a recipe is made from. */
export interface RecipeRequest {
  /** The unpacked source. */
  readonly source: string;
  readonly runtime: string;
  readonly installScripts: boolean;
}
