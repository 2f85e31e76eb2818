import type { Request } from './connection.ts';

/** A key as it is shown: never its secret. */
export interface KeySummary {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  /** Null: it may do everything. */
  readonly statements:
    | readonly { readonly Effect: string; readonly Action: string | string[]; readonly Resource: string | string[] }[]
    | null;
}

/** Keys that may sign requests. */
export class KeysClient {
  readonly #json: <T>(request: Request) => Promise<T>;

  constructor(json: <T>(request: Request) => Promise<T>) {
    this.#json = json;
  }

  create(key: { readonly name?: string | undefined; readonly statements?: unknown }): Promise<KeySummary & { readonly secret: string }> {
    return this.#json({
      method: 'POST',
      path: '/hearth/v1/keys',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(key)),
    });
  }

  async list(): Promise<readonly KeySummary[]> {
    return (await this.#json<{ keys: KeySummary[] }>({ method: 'GET', path: '/hearth/v1/keys' })).keys;
  }

  async revoke(id: string): Promise<void> {
    await this.#json({ method: 'DELETE', path: `/hearth/v1/keys/${encodeURIComponent(id)}` });
  }
}
