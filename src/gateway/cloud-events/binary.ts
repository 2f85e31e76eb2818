import { isUtf8 } from 'node:buffer';
import { HearthError } from '../../errors.ts';
import { parseCloudEvent, type CloudEvent } from '../../model/cloud-event.ts';

type Headers = Readonly<Record<string, readonly string[] | undefined>>;

const PREFIX = 'ce-';
const JSON_TYPE = /^[^;]+[/+]json\s*(?:;|$)/i;
const TEXT_TYPE = /^(?:text\/|[^;]+[/+](?:xml|yaml|csv)\s*(?:;|$))/i;

/** Whether headers carry an event's attributes. */
export function isBinary(headers: Headers): boolean {
  return Object.keys(headers).some((name) => name.startsWith(PREFIX));
}

/**
 * An event in CloudEvents' binary mode: attributes in headers, data in the body. `json`: the same in JSON's form, with JSON data as it came, byte
 * for byte. Throws InvalidRequestContentException that names the attribute.
 */
export function binaryEvent(headers: Headers, body: Buffer): { readonly event: CloudEvent; readonly json: Buffer } {
  const attributes: Record<string, unknown> = Object.create(null); // __proto__ is refused like any other bad name
  for (const [name, values] of Object.entries(headers)) {
    if (!name.startsWith(PREFIX) || values === undefined) continue;
    const attribute = name.slice(PREFIX.length);
    if (values.length > 1) throw fault(attribute, 'is there more than once');
    if (attribute === 'datacontenttype') throw fault(attribute, 'is the header Content-Type where attributes are headers');
    if (attribute === 'data' || attribute === 'data_base64') throw fault(attribute, 'is the body where attributes are headers');
    attributes[attribute] = decoded(values[0] ?? '');
  }
  const contentType = headers['content-type']?.[0];
  if (contentType !== undefined) attributes['datacontenttype'] = contentType;
  const event = parseCloudEvent(attributes);
  const head = JSON.stringify(event);
  if (body.length === 0) return { event, json: Buffer.from(head) };
  const data = dataMember(body, contentType ?? '');
  return { event, json: Buffer.concat([Buffer.from(`${head.slice(0, -1)},`), ...data, Buffer.from('}')]) };
}

/** JSON as it is, text as text, anything else in base64. */
function dataMember(body: Buffer, contentType: string): Buffer[] {
  if (JSON_TYPE.test(contentType)) {
    try {
      if (!isUtf8(body)) throw new SyntaxError('it is not UTF-8');
      JSON.parse(body.toString());
    } catch (error) {
      throw fault('data', `is not the JSON that the Content-Type says: ${(error as Error).message}`, error);
    }
    return [Buffer.from('"data":'), body];
  }
  if (TEXT_TYPE.test(contentType) && isUtf8(body)) return [Buffer.from(`"data":${JSON.stringify(body.toString())}`)];
  return [Buffer.from(`"data_base64":"${body.toString('base64')}"`)];
}

/** A header's value as CloudEvents writes it: maybe quoted, and with percent signs for what headers can't hold. */
function decoded(value: string): string {
  const plain = /^".*"$/.test(value) ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value;
  return plain.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString());
}

function fault(attribute: string, what: string, cause?: unknown): HearthError {
  return new HearthError('InvalidRequestContentException', `${attribute}: ${what}`, { cause, details: { attribute } });
}
