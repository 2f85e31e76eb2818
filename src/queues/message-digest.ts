import { createHash } from 'node:crypto';
import type { MessageAttribute } from '../model/queue.ts';

export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

/** SQS's digest of a message's attributes, which clients check; null when there are none. */
export function md5OfAttributes(attributes: Readonly<Record<string, MessageAttribute>>): string | null {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return null;
  const hash = createHash('md5');
  const put = (bytes: Buffer): void => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of names) {
    const attribute = attributes[name];
    if (attribute === undefined) continue;
    put(Buffer.from(name));
    put(Buffer.from(attribute.DataType));
    const binary = attribute.DataType.startsWith('Binary');
    hash.update(Buffer.from([binary ? 2 : 1]));
    put(binary ? Buffer.from(attribute.BinaryValue ?? '', 'base64') : Buffer.from(attribute.StringValue ?? ''));
  }
  return hash.digest('hex');
}
