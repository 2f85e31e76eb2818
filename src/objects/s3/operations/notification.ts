import { HearthError } from '../../../errors.ts';
import type { Listener } from '../../events/listeners.ts';
import { EVENT_TYPES, type BucketNotification, type NotificationTarget } from '../../events/notification.ts';
import { xmlBody } from '../body.ts';
import type { Operation, S3Deps } from '../operation.ts';
import { bucketOf, header } from '../request.ts';
import { xmlDocument, type XmlElement, type XmlNode } from '../xml.ts';

/** Element names of targets, with those of their ARN. The older `CloudFunction` form is read as well. */
const FORMS = [
  { element: 'CloudFunctionConfiguration', arn: 'CloudFunction', kind: 'function' },
  { element: 'LambdaFunctionConfiguration', arn: 'LambdaFunctionArn', kind: 'function' },
  { element: 'QueueConfiguration', arn: 'Queue', kind: 'queue' },
] as const;

/** What S3 takes for an ARN at all; whether there is such a target is another question. */
const ARNS = { function: /^arn:aws:lambda:[^:]+:\d{12}:function:[^:]+(:[^:]+)?$/, queue: /^arn:aws:sqs:[^:]+:\d{12}:[^:]+$/ };

export const getNotification: Operation = async (r, d) => {
  const bucket = bucketOf(r);
  const { notification } = (await d.store.index.bucket(bucket)).settings;
  const targets = [...notification.targets, ...ownListeners(d, bucket).map((l) => l.target)];
  const of = (kind: NotificationTarget['kind'], arn: string): XmlElement[] =>
    targets.filter((t) => t.kind === kind).map((t) => targetElement(t, arn));
  return {
    status: 200,
    body: xmlDocument('NotificationConfiguration', {
      // S3 writes functions in the form that its first clients knew; the SDKs map it.
      CloudFunctionConfiguration: of('function', 'CloudFunction'),
      QueueConfiguration: of('queue', 'Queue'),
      EventBridgeConfiguration: notification.eventBridge ? {} : undefined,
    }),
  };
};

function ownListeners(d: S3Deps, bucket: string): Listener[] {
  return d.listeners.of(bucket).filter((l) => !l.external);
}

function targetElement(t: NotificationTarget, arn: string): XmlElement {
  const rules = [
    ...(t.prefix === '' ? [] : [{ Name: 'Prefix', Value: t.prefix }]),
    ...(t.suffix === '' ? [] : [{ Name: 'Suffix', Value: t.suffix }]),
  ];
  return {
    Id: t.id,
    [arn]: t.arn,
    Event: [...t.events],
    Filter: rules.length === 0 ? undefined : { S3Key: { FilterRule: rules } },
  };
}

/** Replaces what was put there before. What functions' manifests ask for is shown with it, and is theirs alone to change. */
export const putNotification: Operation = async (r, d) => {
  const document = await xmlBody(r, 'NotificationConfiguration');
  if (document.all('TopicConfiguration').length > 0) {
    throw new HearthError('InvalidArgument', 'Topics are not there to be notified; use a queue or a function.');
  }
  const validate = header(r, 'x-amz-skip-destination-validation')?.toLowerCase() !== 'true';
  const bucket = bucketOf(r);
  const theirs = new Set(ownListeners(d, bucket).map((l) => l.target.id));
  const given = FORMS.flatMap((form) => document.all(form.element).map((node) => readTarget(node, { ...form, id: d.ids.uuid() })));
  const targets = given.filter((t) => !theirs.has(t.id));
  if (validate) requireTargets(targets, d);
  refuseOverlaps(targets);
  const notification: BucketNotification = { targets, eventBridge: document.first('EventBridgeConfiguration') !== null };
  await d.store.index.configureBucket(bucket, (s) => ({ ...s, notification }));
  return { status: 200 };
};

function readTarget(node: XmlNode, o: { arn: string; kind: NotificationTarget['kind']; id: string }): NotificationTarget {
  const events = node.all('Event').map((n) => n.text);
  const unknown = events.find((e) => !EVENT_TYPES.has(e));
  if (events.length === 0 || unknown !== undefined) {
    throw invalid('The event is not supported for notifications', { ArgumentName: 'Event', ArgumentValue: unknown ?? '' });
  }
  const filters = new Map<string, string>();
  for (const rule of node.first('Filter')?.first('S3Key')?.all('FilterRule') ?? []) {
    const name = (rule.textOf('Name') ?? '').toLowerCase();
    if (name !== 'prefix' && name !== 'suffix')
      throw invalid('filter rule name must be either prefix or suffix', { ArgumentName: 'FilterRule.Name' });
    if (filters.has(name)) throw invalid(`Cannot specify more than one ${name} rule in a filter.`, { ArgumentName: 'FilterRule' });
    filters.set(name, rule.textOf('Value') ?? '');
  }
  const arn = node.textOf(o.arn) ?? '';
  if (!ARNS[o.kind].test(arn)) throw invalid('The ARN could not be parsed', { ArgumentName: o.arn, ArgumentValue: arn });
  return {
    id: node.textOf('Id') ?? o.id,
    kind: o.kind,
    arn,
    events,
    prefix: filters.get('prefix') ?? '',
    suffix: filters.get('suffix') ?? '',
    shape: 's3',
  };
}

/** Names all that are not there, numbered as S3 does. */
function requireTargets(targets: readonly NotificationTarget[], d: S3Deps): void {
  const absent = targets.filter((t) => (t.kind === 'function' ? d.targets.functionOf(t.arn) : d.targets.queueOf(t.arn)) === null);
  if (absent.length === 0) return;
  const details = absent.flatMap((t, i): [string, string][] => {
    const [name, value] =
      t.kind === 'function'
        ? // S3 names the account that may invoke it beside a function, and knows none.
          [`${t.arn}, null`, `Not authorized to invoke function [${t.arn}]`]
        : [t.arn, 'The destination queue does not exist'];
    return [
      [`ArgumentName${i + 1}`, name],
      [`ArgumentValue${i + 1}`, value],
    ];
  });
  throw invalid('Unable to validate the following destination configurations', Object.fromEntries(details));
}

/** Two targets must not be told of the same event: S3 would not know whom. */
function refuseOverlaps(targets: readonly NotificationTarget[]): void {
  for (const [i, a] of targets.entries()) {
    for (const b of targets.slice(i + 1)) {
      const same = a.events.some((x) => b.events.some((y) => overlaps(x, y)));
      const prefixes = a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix);
      const suffixes = a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix);
      if (a.id === b.id) throw invalid(`Configurations must have different ids; ${a.id} is there twice`, { ArgumentName: 'Id' });
      if (same && prefixes && suffixes)
        throw invalid('Configurations overlap. Configurations on the same bucket cannot share a common event type.', {
          ArgumentName: 'Filter',
        });
    }
  }
}

function overlaps(a: string, b: string): boolean {
  const within = (wide: string, narrow: string): boolean => wide.endsWith(':*') && narrow.startsWith(wide.slice(0, -1));
  return a === b || within(a, b) || within(b, a);
}

function invalid(message: string, details: Record<string, string>): HearthError {
  return new HearthError('InvalidArgument', message, { details });
}
