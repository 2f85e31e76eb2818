import { download } from './download.ts';
import { PictureError } from './errors.ts';
import { readOwnFile } from './own-file.ts';

/** Where the picture is, and how sure the detector has to be. */
export interface DetectRequest {
  readonly picture: { readonly url: string } | { readonly bytes: Buffer };
  /** Least score of an object that is reported, 0 to 1. */
  readonly threshold: number;
}

const DEFAULT_THRESHOLD = process.env.THRESHOLD ?? 0.3;

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Is this a request to the function's URL (payload format 2.0), not an event of its own? */
export const isUrlEvent = (event: unknown): event is Fields =>
  isFields(event) && isFields(event.requestContext) && 'http' in event.requestContext;

/** Takes `{url}`, `{image: BASE64}` or a request to the function's URL: a picture or one of these as its body, or `?url=`. */
export function readRequest(event: unknown): DetectRequest {
  if (!isUrlEvent(event)) return fromFields(isFields(event) ? event : {});
  const query = isFields(event.queryStringParameters) ? event.queryStringParameters : {};
  if (typeof event.body !== 'string' || event.body === '') return fromFields(query);
  const bytes = Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8');
  if (bytes[0] === '{'.charCodeAt(0)) return fromFields({ ...query, ...parse(bytes) });
  return { picture: { bytes }, threshold: readThreshold(query.threshold) };
}

function parse(bytes: Buffer): Fields {
  try {
    return JSON.parse(bytes.toString()) as Fields;
  } catch (cause) {
    throw new PictureError(400, 'the body looks like JSON and is not', { cause });
  }
}

function fromFields({ url, image, threshold }: Fields): DetectRequest {
  if (typeof url === 'string') return { picture: { url }, threshold: readThreshold(threshold) };
  if (typeof image !== 'string') throw new PictureError(400, 'send {"url": "https://…"}, {"image": "BASE64"} or the bytes of a picture');
  if (image.startsWith('data:')) return { picture: { url: image }, threshold: readThreshold(threshold) };
  return { picture: { bytes: Buffer.from(image, 'base64') }, threshold: readThreshold(threshold) };
}

function readThreshold(given: unknown): number {
  const threshold = Number(given ?? DEFAULT_THRESHOLD);
  if (!(threshold >= 0 && threshold <= 1)) throw new PictureError(400, `threshold is a number from 0 to 1, not ${String(given)}`);
  return threshold;
}

/** The bytes of the picture a request speaks of. */
export async function findPicture({ picture }: DetectRequest): Promise<Buffer> {
  if ('bytes' in picture) return picture.bytes;
  if (picture.url.startsWith('data:')) return readDataUrl(picture.url);
  if (/^https?:/i.test(picture.url)) return download(picture.url);
  return readOwnFile(picture.url);
}

function readDataUrl(url: string): Buffer {
  const comma = url.indexOf(',');
  if (comma < 0) throw new PictureError(400, 'a data: URL has a comma before its data');
  const data = url.slice(comma + 1);
  if (url.slice(0, comma).endsWith(';base64')) return Buffer.from(data, 'base64');
  return Buffer.from(
    data.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  );
}
