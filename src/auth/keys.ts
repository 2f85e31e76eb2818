/** What a client signs with. */
export interface AccessKey {
  /** Public: it travels with every request. */
  readonly id: string;
  readonly secret: string;
}

/** Who may sign requests. */
export interface Keys {
  /** The key of that id; null when there is none, or it was revoked. */
  find(accessKeyId: string): Promise<AccessKey | null>;
}

/** The keys of a fixed list. */
export function listedKeys(keys: readonly AccessKey[]): Keys {
  const byId = new Map(keys.map((key) => [key.id, key]));
  return { find: async (id) => byId.get(id) ?? null };
}
