import { join } from 'node:path';
import { HearthError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { BuildProgress } from './artifacts.ts';
import type { DownloadCache } from './download-cache.ts';
import { exists, publish, scratch, type Folders } from './folders.ts';
import type { Interpreters } from './interpreters.ts';
import { npmRecipe } from './npm.ts';
import { pipRecipe } from './pip.ts';
import type { Recipe, RecipeRequest } from './recipe.ts';
import type { Recent } from './recent.ts';
import { syncTree } from './sync-tree.ts';
import { openWorkshop } from './workshop.ts';

export interface DependenciesOptions {
  readonly folders: Folders;
  readonly interpreters: Interpreters;
  readonly clock: Clock;
  /** Ends the installs under way. */
  readonly signal: AbortSignal;
  /** Longest an install may take. */
  readonly timeoutMs: number;
  readonly cache: DownloadCache;
  readonly recent: Recent;
}

/** Installed dependencies by digest. However many builds want one at once, it is installed once. */
export class Dependencies {
  readonly #options: DependenciesOptions;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: DependenciesOptions) {
    this.#options = options;
  }

  /** Installs what a source asks for unless it is there; the digest, or null when it asks for nothing. Throws BuildFailed. */
  async ensure(request: RecipeRequest, progress: (p: BuildProgress) => void): Promise<string | null> {
    const recipe = await this.#recipe(request);
    if (recipe === null) return null;
    const folder = join(this.#options.folders.dependencies, recipe.digest);
    this.#options.recent.add(recipe.digest);
    if (await exists(folder)) {
      progress({ step: 'dependencies', message: `unchanged (${recipe.digest.slice(0, 12)})` });
      return recipe.digest;
    }
    let install = this.#underWay.get(recipe.digest);
    progress({ step: 'dependencies', message: install === undefined ? recipe.command : 'waiting for the same install by another build' });
    if (install === undefined) {
      install = this.#install(recipe, folder).finally(() => this.#underWay.delete(recipe.digest));
      this.#underWay.set(recipe.digest, install);
    }
    await install;
    this.#options.recent.add(recipe.digest);
    return recipe.digest;
  }

  #recipe(request: RecipeRequest): Promise<Recipe | null> {
    if (request.runtime.startsWith('nodejs')) return npmRecipe(request, this.#options.interpreters);
    if (request.runtime.startsWith('python')) return pipRecipe(request, this.#options.interpreters);
    return Promise.resolve(null);
  }

  async #install(recipe: Recipe, folder: string): Promise<void> {
    using _ = await this.#options.cache.hold();
    await using workshop = await openWorkshop({ ...this.#options, cache: this.#options.cache.path });
    const end = await recipe.install(workshop);
    if (end.outcome !== 'ok') {
      const why = {
        failed: 'failed',
        timeout: `was ended after ${this.#options.timeoutMs / 1000} seconds`,
        aborted: 'was ended because the server stops',
      }[end.outcome];
      const message = [`\`${recipe.command}\` ${why}.`, recipe.advice(end.output)].filter((t) => t !== '').join(' ');
      throw new HearthError('BuildFailed', message, { details: { output: end.output } });
    }
    await using made = await scratch(this.#options.folders);
    await workshop.takeOut(join(made.path, 'install'));
    await syncTree(join(made.path, 'install'));
    await publish(join(made.path, 'install'), folder);
  }
}
