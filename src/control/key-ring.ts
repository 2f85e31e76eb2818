import type { AccessKey, Keys } from '../auth/keys.ts';
import { newKey } from '../auth/new-key.ts';
import type { Seal } from '../auth/seal.ts';
import { allows, type KeyStatement } from '../auth/statements.ts';
import type { Clock } from '../lib/clock.ts';
import type { Resources, StoredKey } from './resources.ts';

/** A key as it is shown: never its secret. */
export interface KeySummary {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  /** Null: it may do everything. */
  readonly statements: readonly KeyStatement[] | null;
}

interface KeyRingDeps {
  readonly resources: Resources;
  readonly seal: Seal;
  readonly clock: Clock;
  /** The server's own key, which may do everything and is never listed. */
  readonly local: AccessKey;
  /** What functions are given, good for as long as the server runs; never listed either. */
  readonly functions: AccessKey;
}

/** What functions may do with the key in their environment: use the platform, not change it. */
const FUNCTIONS_MAY: readonly KeyStatement[] = [
  { Effect: 'Allow', Action: ['lambda:Invoke*', 's3:*', 'sqs:*', 'events:PutEvents'], Resource: '*' },
];

/** The keys that were made on this server, their secrets sealed in the database, and the server's own. */
export class KeyRing implements Keys {
  readonly #deps: KeyRingDeps;

  constructor(deps: KeyRingDeps) {
    this.#deps = deps;
  }

  /** Whether any key was made. */
  get made(): boolean {
    return this.#deps.resources.list('access-key').length > 0;
  }

  async find(id: string): Promise<AccessKey | null> {
    const { local, functions, resources, seal } = this.#deps;
    if (id === local.id) return local;
    if (id === functions.id) return functions;
    const stored = resources.get('access-key', id);
    return stored === null ? null : { id, secret: seal.open(stored.sealed) };
  }

  /** Those of the keys that may do this with everything: for services that know no statements. */
  thatMay(action: string): Keys {
    return {
      find: async (id) => {
        const statements = this.statementsOf(id);
        return statements === null || allows(statements, action, '*') ? this.find(id) : null;
      },
    };
  }

  /** Null: everything. */
  statementsOf(id: string): readonly KeyStatement[] | null {
    const { local, functions, resources } = this.#deps;
    if (id === functions.id) return FUNCTIONS_MAY;
    return id === local.id ? null : (resources.get('access-key', id)?.statements ?? null);
  }

  /** Makes a key. Its secret is in the answer and nowhere else that can be read. */
  async create(name: string, statements: readonly KeyStatement[] | null): Promise<KeySummary & { readonly secret: string }> {
    const { resources, seal, clock } = this.#deps;
    const { id, secret } = newKey();
    const stored: StoredKey = { name, createdAtMs: clock.now(), statements, sealed: seal.seal(secret) };
    await resources.put('access-key', id, stored, null);
    return { id, secret, name, createdAtMs: stored.createdAtMs, statements };
  }

  list(): KeySummary[] {
    const all = this.#deps.resources.list('access-key');
    return all.map(({ key: id, document: { name, createdAtMs, statements } }) => ({ id, name, createdAtMs, statements }));
  }

  /** False when there was none. */
  revoke(id: string): Promise<boolean> {
    return this.#deps.resources.remove('access-key', id);
  }
}
