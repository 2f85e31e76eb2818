import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { HearthError } from '../../errors.ts';

/** An element's content: text, members in their order, or several elements of the same name. */
type Xml = string | number | boolean | XmlElement | readonly Xml[] | undefined;
export interface XmlElement {
  readonly [name: string]: Xml;
}

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** A document with S3's namespace. */
export function xmlDocument(root: string, content: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${members(content)}</${root}>`;
}

/** A document without a namespace, as S3's errors are. */
export function bareDocument(root: string, content: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}>${members(content)}</${root}>`;
}

function members(content: XmlElement): string {
  return Object.entries(content)
    .map(([name, value]) => element(name, value))
    .join('');
}

function element(name: string, value: Xml): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return (value as readonly Xml[]).map((v) => element(name, v)).join('');
  if (typeof value === 'object') {
    const attributes = Object.entries(value as XmlElement).filter(([n]) => n.startsWith('@'));
    const rest = Object.fromEntries(Object.entries(value as XmlElement).filter(([n]) => !n.startsWith('@')));
    const own = attributes.map(([n, v]) => ` ${n.slice(1)}="${escape(v as string)}"`).join('');
    return `<${name}${own}>${members(rest)}</${name}>`;
  }
  return `<${name}>${escape(String(value))}</${name}>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escape(text: string): string {
  // oxlint-disable-next-line no-control-regex -- keys may hold them, and S3 writes them so
  return text.replaceAll(/[&<>"\u0000-\u0008\u000b-\u001f]/g, (c) => ENTITIES[c] ?? `&#x${c.charCodeAt(0).toString(16)};`);
}

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  htmlEntities: true,
  removeNSPrefix: true,
});

/** An element that was read: its text, and its children by name. */
export class XmlNode {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  get text(): string {
    return typeof this.#value === 'string' ? this.#value : '';
  }

  all(name: string): XmlNode[] {
    if (typeof this.#value !== 'object' || this.#value === null) return [];
    const found = (this.#value as Record<string, unknown>)[name];
    if (found === undefined) return [];
    return (Array.isArray(found) ? found : [found]).map((v) => new XmlNode(v));
  }

  first(name: string): XmlNode | null {
    return this.all(name)[0] ?? null;
  }

  /** Text of a child; undefined when there is no such child. */
  textOf(name: string): string | undefined {
    return this.first(name)?.text;
  }
}

/** Reads a document whose root must be `root`. Throws MalformedXML. */
export function parseXml(body: Buffer, root: string): XmlNode {
  const text = body.toString('utf8');
  // A document type may define entities that grow without bound; no client of S3 sends one.
  if (text.includes('<!DOCTYPE') || XMLValidator.validate(text) !== true) throw malformedXml();
  let document: Record<string, unknown>;
  try {
    document = parser.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw malformedXml(error);
  }
  if (!(root in document)) throw malformedXml();
  return new XmlNode(document[root]);
}

export function malformedXml(cause?: unknown): HearthError {
  return new HearthError('MalformedXML', 'The XML you provided was not well-formed or did not validate against our published schema', {
    cause,
  });
}
