import { crc32 } from 'node:zlib';

/** Type of a header's value: text, with its length before it. */
const TEXT = 7;
const PRELUDE_BYTES = 12;
const CHECKSUM_BYTES = 4;

/**
 * One message of AWS's event stream (`application/vnd.amazon.eventstream`): lengths and their checksum, headers, payload, checksum of all.
 * `type`: the event's name in the model.
 */
export function eventMessage(type: string, payload: Buffer, contentType = 'application/octet-stream'): Buffer {
  const headers = Buffer.concat([header(':event-type', type), header(':content-type', contentType), header(':message-type', 'event')]);
  const message = Buffer.alloc(PRELUDE_BYTES + headers.length + payload.length + CHECKSUM_BYTES);
  message.writeUInt32BE(message.length, 0);
  message.writeUInt32BE(headers.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  headers.copy(message, PRELUDE_BYTES);
  payload.copy(message, PRELUDE_BYTES + headers.length);
  const end = message.length - CHECKSUM_BYTES;
  message.writeUInt32BE(crc32(message.subarray(0, end)), end);
  return message;
}

function header(name: string, value: string): Buffer {
  const bytes = Buffer.alloc(1 + name.length + 3 + value.length);
  bytes.writeUInt8(name.length, 0);
  bytes.write(name, 1, 'latin1');
  bytes.writeUInt8(TEXT, 1 + name.length);
  bytes.writeUInt16BE(value.length, 2 + name.length);
  bytes.write(value, 4 + name.length, 'latin1');
  return bytes;
}
