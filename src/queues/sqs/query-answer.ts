/** What is known of an error in the Query protocol. */
export interface QueryError {
  /** As the older protocol named it: `AWS.SimpleQueueService.NonExistentQueue`. */
  readonly code: string;
  readonly message: string;
  readonly fault: 'Sender' | 'Receiver';
}

const NAMESPACE = 'http://queue.amazonaws.com/doc/2012-11-05/';

/** Lists of the JSON protocol, and the name of each of their elements; those of batches depend on the action. */
const ELEMENTS: Readonly<Record<string, string>> = {
  QueueUrls: 'QueueUrl',
  queueUrls: 'QueueUrl',
  Messages: 'Message',
  Failed: 'BatchResultErrorEntry',
  Results: 'ListMessageMoveTasksResultEntry',
};
const MAPS: Readonly<Record<string, string>> = { Attributes: 'Attribute', MessageAttributes: 'MessageAttribute', Tags: 'Tag' };

/** Actions that answer nothing; the others have a result even where it is empty. */
const WITHOUT_RESULT = new Set([
  'SetQueueAttributes',
  'DeleteQueue',
  'PurgeQueue',
  'DeleteMessage',
  'ChangeMessageVisibility',
  'TagQueue',
  'UntagQueue',
  'AddPermission',
  'RemovePermission',
]);

/** The answer of an action, as XML. */
export function queryAnswer(action: string, requestId: string, result: Readonly<Record<string, unknown>>): string {
  const content = WITHOUT_RESULT.has(action) ? '' : `<${action}Result>${members(result, action)}</${action}Result>`;
  const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
  return document(`${action}Response`, content + metadata);
}

/** An error, as XML. */
export function queryError(requestId: string, { code, message, fault }: QueryError): string {
  const error = `<Error><Type>${fault}</Type><Code>${escape(code)}</Code><Message>${escape(message)}</Message><Detail/></Error>`;
  return document('ErrorResponse', `${error}<RequestId>${requestId}</RequestId>`);
}

function document(root: string, content: string): string {
  return `<?xml version="1.0"?><${root} xmlns="${NAMESPACE}">${content}</${root}>`;
}

function members(value: Readonly<Record<string, unknown>>, action: string): string {
  return Object.entries(value)
    .map(([name, member]) => element(name, member, action))
    .join('');
}

function element(name: string, value: unknown, action: string): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) {
    const each = name === 'Successful' ? `${action}ResultEntry` : (ELEMENTS[name] ?? name);
    return value.map((one) => element(each, one, action)).join('');
  }
  if (typeof value !== 'object') return `<${name}>${escape(typeof value === 'string' ? value : JSON.stringify(value))}</${name}>`;
  const map = MAPS[name];
  if (map === undefined) return `<${name}>${members(value as Record<string, unknown>, action)}</${name}>`;
  const key = map === 'Tag' ? 'Key' : 'Name';
  return Object.entries(value)
    .map(([n, v]) => `<${map}><${key}>${escape(n)}</${key}>${element('Value', v, action)}</${map}>`)
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#xD;' };

/** Messages hold nothing that XML can't: it is refused when they are sent. */
function escape(text: string): string {
  return text.replaceAll(/[&<>"\r]/g, (c) => ENTITIES[c] ?? c);
}
