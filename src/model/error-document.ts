/** Most of a message that is kept, characters. */
const MESSAGE_LENGTH = 1_000;

/** The message of Lambda's error document; null when it is none. Custom runtimes and extensions write it themselves, so it may be anything. */
export function documentMessage(document: Buffer): string | null {
  try {
    const { errorMessage } = (JSON.parse(document.toString()) ?? {}) as { errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : null;
  } catch {
    return null; // no JSON
  }
}

/** What an error document says, cut to a thousand characters; its beginning when it is none. */
export function errorMessage(document: Buffer): string {
  return documentMessage(document)?.slice(0, MESSAGE_LENGTH) ?? document.toString('utf8', 0, MESSAGE_LENGTH);
}
