import { HearthError } from '../../errors.ts';

/** The parameters of a request in SQS's older protocol, AWS's Query: `Attribute.1.Name=…&Attribute.1.Value=…`. */
type Tree = { [name: string]: Tree | string };

/** How lists and maps are named there, and in the JSON protocol. */
const LISTS: Readonly<Record<string, string>> = {
  AttributeName: 'AttributeNames',
  MessageAttributeName: 'MessageAttributeNames',
  MessageSystemAttributeName: 'MessageSystemAttributeNames',
  TagKey: 'TagKeys',
  AWSAccountId: 'AWSAccountIds',
  ActionName: 'Actions',
  SendMessageBatchRequestEntry: 'Entries',
  DeleteMessageBatchRequestEntry: 'Entries',
  ChangeMessageVisibilityBatchRequestEntry: 'Entries',
};
const MAPS: Readonly<Record<string, string>> = {
  Attribute: 'Attributes',
  MessageAttribute: 'MessageAttributes',
  MessageSystemAttribute: 'MessageSystemAttributes',
  Tag: 'Tags',
};
const NUMBERS = new Set([
  'DelaySeconds',
  'MaxNumberOfMessages',
  'VisibilityTimeout',
  'WaitTimeSeconds',
  'MaxResults',
  'MaxNumberOfMessagesPerSecond',
]);
/** Deeper than any parameter of SQS. */
const MOST_DEPTH = 8;
const QUEUE_PATH = /^\/\d{12}\/[^/]+\/?$/;

/** A call that was read. */
export interface QueryCall {
  readonly action: string;
  /** As the JSON protocol would have it. */
  readonly input: Record<string, unknown>;
}

/** Whether a request's parameters are an action of the Query protocol. */
export function isQuery(parameters: URLSearchParams): boolean {
  return parameters.has('Action');
}

/** Reads the parameters. `path`: the request's, which may be the queue's URL. Throws InvalidParameterValue. */
export function queryCall(parameters: URLSearchParams, path: string): QueryCall {
  const { Action, Version: _, ...rest } = treeOf(parameters);
  const action = typeof Action === 'string' ? Action : '';
  const input = jsonOf(rest, '');
  // CreateQueue alone writes its tags small in JSON.
  if (action === 'CreateQueue' && input['Tags'] !== undefined) input['tags'] = input['Tags'];
  if (input['QueueUrl'] === undefined && QUEUE_PATH.test(path)) input['QueueUrl'] = path;
  return { action, input };
}

function treeOf(parameters: URLSearchParams): Tree {
  const root = emptyTree();
  for (const [name, value] of parameters) {
    if (name.startsWith('X-Amz-')) continue; // a signature in the query
    const parts = name.split('.');
    if (parts.length > MOST_DEPTH || parts.some((p) => p === '' || p === '__proto__')) throw invalid(name);
    let at = root;
    for (const part of parts.slice(0, -1)) {
      const below = (at[part] ??= emptyTree());
      if (typeof below === 'string') throw invalid(name);
      at = below;
    }
    at[parts.at(-1) ?? ''] = value;
  }
  return root;
}

/** Without a prototype: a parameter called `constructor.prototype.x` must reach nothing but its own tree. */
function emptyTree(): Tree {
  return Object.create(null) as Tree;
}

function jsonOf(tree: Tree, at: string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(tree)) {
    const path = at === '' ? name : `${at}.${name}`;
    const [list, map] = [own(LISTS, name), own(MAPS, name)];
    if (typeof value === 'string') {
      if (map !== undefined || (list !== undefined && value !== '')) throw invalid(path);
      if (list !== undefined) out[list] = [];
      else out[name] = NUMBERS.has(name) ? number(value, path) : value;
    } else if (list !== undefined) {
      out[list] = inOrder(value).map(([n, one]) => (typeof one === 'string' ? one : jsonOf(one, `${path}.${n}`)));
    } else if (map !== undefined) {
      out[map] = Object.fromEntries(inOrder(value).map(([n, one]) => entry(one, `${path}.${n}`)));
    } else out[name] = jsonOf(value, path);
  }
  return out;
}

function entry(one: Tree | string, path: string): [string, unknown] {
  if (typeof one === 'string') throw invalid(path);
  const name = one['Name'] ?? one['Key'];
  const value = one['Value'];
  if (typeof name !== 'string' || value === undefined) throw invalid(path);
  return [name, typeof value === 'string' ? value : jsonOf(value, `${path}.Value`)];
}

/** Members by their numbers. */
function inOrder(tree: Tree): [string, Tree | string][] {
  return Object.entries(tree).sort(([a], [b]) => Number(a) - Number(b));
}

function number(text: string, path: string): number {
  const value = Number(text);
  if (text === '' || !Number.isInteger(value))
    throw new HearthError('InvalidParameterValue', `Value ${text} for parameter ${path} is invalid. Reason: Must be an integer.`);
  return value;
}

function own(names: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(names, name) ? names[name] : undefined;
}

function invalid(name: string): HearthError {
  return new HearthError('InvalidParameterValue', `The parameter ${name.slice(0, 100)} is not one that SQS has.`);
}
