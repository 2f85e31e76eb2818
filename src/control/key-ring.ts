import { requireKnownActions } from '../auth/known-actions.ts';
import type { AccessKey, Keys } from '../auth/keys.ts';
import { newKey } from '../auth/new-key.ts';
import type { Seal } from '../auth/seal.ts';
import { presigned } from '../auth/sign.ts';
import type { KeyStatement } from '../auth/statements.ts';
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
  /** Every action that a key can be asked for. */
  readonly actions: readonly string[];
  /** The server's own key, which may do everything and is never listed. */
  readonly local: AccessKey;
  /** What functions are given, good for as long as the server runs; never listed either. */
  readonly functions: AccessKey;
}

const LINK_SECONDS = 600;

/** What functions may do with the key in their environment: use the platform, not change it. */
const FUNCTIONS_MAY: readonly KeyStatement[] = [
  { Effect: 'Allow', Action: ['lambda:Invoke*', 's3:*', 'sqs:*', 'events:PutEvents'], Resource: '*' },
];

/** The keys that were made on this server, their secrets sealed in the database, and the server's own. */
export class KeyRing implements Keys {
  readonly #deps: KeyRingDeps;
  /** Secrets that were opened, each with the sealed one it came from: a request need not open it again. */
  readonly #opened = new Map<string, { readonly sealed: string; readonly key: AccessKey }>();

  constructor(deps: KeyRingDeps) {
    this.#deps = deps;
  }

  async find(id: string): Promise<AccessKey | null> {
    const { local, functions, resources, seal } = this.#deps;
    if (id === local.id) return local;
    if (id === functions.id) return functions;
    const stored = resources.get('access-key', id);
    if (stored === null) {
      this.#opened.delete(id);
      return null;
    }
    const opened = this.#opened.get(id);
    if (opened?.sealed === stored.sealed) return opened.key;
    const key = { id, secret: seal.open(stored.sealed) };
    this.#opened.set(id, { sealed: stored.sealed, key });
    return key;
  }

  /** An address of this server that whoever has it may read for ten minutes, as AWS's links to code are. */
  presigned(address: string): string {
    const { local, clock } = this.#deps;
    return presigned(address, local, { nowMs: clock.now(), expiresSeconds: LINK_SECONDS });
  }

  /** Null: everything. Of a key that there is not, nothing: it may have been revoked since it was found. */
  statementsOf(id: string): readonly KeyStatement[] | null {
    const { local, functions, resources } = this.#deps;
    if (id === functions.id) return FUNCTIONS_MAY;
    if (id === local.id) return null;
    const stored = resources.get('access-key', id);
    return stored === null ? [] : stored.statements;
  }

  /** Makes a key. Its secret is in the answer and nowhere else that can be read. Throws InvalidParameterValueException for an action that there is not. */
  async create(name: string, statements: readonly KeyStatement[] | null): Promise<KeySummary & { readonly secret: string }> {
    const { resources, seal, clock, actions } = this.#deps;
    if (statements !== null) requireKnownActions(statements, actions);
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
    this.#opened.delete(id);
    return this.#deps.resources.remove('access-key', id);
  }
}
