import { plainText } from '../lib/plain-text.ts';

/** Most of a message that is kept, and of an error's type, characters. */
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

/** What an error document says, as it is kept: a thousand characters at most, and none that can't be stored; its beginning when it is none. */
export function errorMessage(document: Buffer): string {
  return plainText(documentMessage(document) ?? document.toString('utf8', 0, MESSAGE_LENGTH), MESSAGE_LENGTH);
}

/** The type of an error, kept in the same way: a function names its own as it likes. */
export function errorType(named: string): string {
  return plainText(named, MESSAGE_LENGTH);
}

/** Lambda's error document of what the platform says of an invocation or of an instance. */
export function failureDocument(errorType: string, message: string, requestId: string): Buffer {
  return Buffer.from(JSON.stringify({ errorType, errorMessage: `RequestId: ${requestId} Error: ${message}` }));
}
