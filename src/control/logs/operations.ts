import { HearthError } from '../../errors.ts';
import type { JsonCall, JsonOperation } from '../aws-json.ts';
import { filterPattern } from './filter-pattern.ts';
import { BEGINNING, EVENT_ID, neighbour, type LogEvent } from './log-events.ts';
import { GROUP_OPERATIONS } from './group-settings.ts';
import { TAG_OPERATIONS } from './group-tags.ts';
import { groupArn, groupOf, logGroups, nameIn, sinceWhen, UNSET, type LogGroup, type LogsDeps, type LogsOperation } from './log-groups.ts';
import { keyIn, keyToken, placeIn, placeText, type Place } from './page-token.ts';
import { END, eventsAfter, eventsBefore, streamsOf, type StreamExtent, type Wanted } from './search.ts';

const LONGEST_PAGE = 50;
const MOST_EVENTS = 10_000;
const NO_STREAM = 'The specified log stream does not exist.';

const describeLogGroups: LogsOperation = async ({ input }, deps) => {
  const prefix = input['logGroupNamePrefix'] as string | undefined;
  const part = input['logGroupNamePattern'] as string | undefined;
  const listed = (input['logGroupIdentifiers'] as string[] | undefined)?.map(nameIn);
  if (prefix !== undefined && part !== undefined)
    throw new HearthError('InvalidParameterException', 'LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.');
  const fits = ({ name }: LogGroup): boolean =>
    name.startsWith(prefix ?? '') && name.includes(part ?? '') && (listed?.includes(name) ?? true);
  const { items, next } = page(logGroups(deps).filter(fits), input, ({ name }) => name);
  return { logGroups: await Promise.all(items.map((group) => described(group, deps))), ...next };
};

async function described(group: LogGroup, deps: LogsDeps): Promise<Record<string, unknown>> {
  const { name, functions, settings } = group;
  const extents = await Promise.all(functions.map((f) => deps.logs.extent(f.name)));
  return {
    logGroupName: name,
    creationTime: await sinceWhen(group, deps),
    retentionInDays: settings?.retentionDays ?? undefined,
    metricFilterCount: 0,
    arn: `${groupArn(name, deps)}:*`,
    logGroupArn: groupArn(name, deps),
    storedBytes: extents.reduce((sum, e) => sum + (e?.bytes ?? 0), 0),
    logGroupClass: settings?.class ?? UNSET.class,
    deletionProtectionEnabled: settings?.deletionProtected ?? UNSET.deletionProtected,
  };
}

const describeLogStreams: LogsOperation = async ({ input, signal }, deps) => {
  const group = groupOf(input, deps);
  const prefix = input['logStreamNamePrefix'] as string | undefined;
  const byTime = input['orderBy'] === 'LastEventTime';
  if (byTime && prefix !== undefined)
    throw new HearthError('InvalidParameterException', 'Cannot order by LastEventTime with a logStreamNamePrefix.');
  const keyOf = (s: StreamExtent): string => (byTime ? `${String(s.lastMs).padStart(16, '0')} ${s.name}` : s.name);
  const found = (await streamsOf(deps.logs, group, signal)).filter((s) => s.name.startsWith(prefix ?? ''));
  const { items, next } = page(found, input, keyOf);
  return { logStreams: items.map((stream) => describedStream(stream, group, deps)), ...next };
};

function describedStream({ name, firstMs, lastMs }: StreamExtent, group: LogGroup, deps: LogsDeps): Record<string, unknown> {
  return {
    logStreamName: name,
    creationTime: firstMs,
    firstEventTimestamp: firstMs,
    lastEventTimestamp: lastMs,
    lastIngestionTime: lastMs,
    arn: `${groupArn(group.name, deps)}:log-stream:${name}`,
    storedBytes: 0, // as CloudWatch answers for every stream
  };
}

const filterLogEvents: LogsOperation = async ({ input, signal }, deps) => {
  const group = groupOf(input, deps);
  const names = input['logStreamNames'] as string[] | undefined;
  const prefix = input['logStreamNamePrefix'] as string | undefined;
  if (names !== undefined && prefix !== undefined)
    throw new HearthError('InvalidParameterException', 'logStreamNames and logStreamNamePrefix are mutually exclusive parameters.');
  const test = filterPattern((input['filterPattern'] as string | undefined) ?? '');
  if (names !== undefined) await requireStreams(names, group, { deps, signal });
  const inStream = ({ stream }: LogEvent): boolean => (names?.includes(stream) ?? true) && stream.startsWith(prefix ?? '');
  const wanted = { ...bounds(input), signal, fits: (event: LogEvent) => inStream(event) && test(event.message) };
  const token = input['nextToken'] as string | undefined;
  const { events, more } = await eventsAfter(deps.logs, group, token === undefined ? BEGINNING : keyIn(token, EVENT_ID), wanted);
  return {
    events: events.map((e) => ({ logStreamName: e.stream, ...shown(e), eventId: e.id })),
    searchedLogStreams: [],
    ...(more ? { nextToken: keyToken(events.at(-1)?.id ?? BEGINNING) } : {}),
  };
};

const getLogEvents: LogsOperation = async ({ input, signal }, deps) => {
  const group = groupOf(input, deps);
  const stream = input['logStreamName'] as string;
  const token = input['nextToken'] as string | undefined;
  const place = token === undefined ? ends(input['startFromHead'] === true) : placeIn(token);
  let seen = false;
  const fits = (event: LogEvent): boolean => event.stream === stream && (seen = true);
  const { startMs, endMs, limit } = bounds(input);
  const wanted = { startMs, endMs: endMs - 1, limit, fits, signal };
  const events = await pageAt(place, group, wanted, deps);
  if (!seen) await requireStreams([stream], group, { deps, signal });
  return { events: events.map(shown), ...tokensAround(events, place) };
};

async function pageAt(place: Place, group: LogGroup, wanted: Wanted, { logs }: LogsDeps): Promise<LogEvent[]> {
  if (place.direction === 'backward') return eventsBefore(logs, group, place.id, wanted);
  return (await eventsAfter(logs, group, place.id, wanted)).events;
}

function ends(fromHead: boolean): Place {
  return fromHead ? { direction: 'forward', id: BEGINNING } : { direction: 'backward', id: END };
}

/** Where the pages beside one begin. Beyond the last event the same token comes back, as on CloudWatch. */
function tokensAround(events: readonly LogEvent[], asked: Place): Record<string, string> {
  const [first, last] = [events[0]?.id, events.at(-1)?.id];
  const empty =
    asked.direction === 'forward'
      ? [asked.id, neighbour(asked.id, 1n)]
      : [asked.id === END ? BEGINNING : neighbour(asked.id, -1n), asked.id];
  return {
    nextForwardToken: placeText({ direction: 'forward', id: last ?? empty[0] ?? BEGINNING }),
    nextBackwardToken: placeText({ direction: 'backward', id: first ?? empty[1] ?? BEGINNING }),
  };
}

async function requireStreams(names: readonly string[], group: LogGroup, o: { deps: LogsDeps; signal: AbortSignal }): Promise<void> {
  const there = new Set((await streamsOf(o.deps.logs, group, o.signal)).map((s) => s.name));
  if (names.some((name) => !there.has(name))) throw new HearthError('ResourceNotFoundException', NO_STREAM);
}

function bounds(input: JsonCall['input']): { startMs: number; endMs: number; limit: number } {
  const [start, end, limit] = [input['startTime'], input['endTime'], input['limit']] as (number | undefined)[];
  return { startMs: start ?? 0, endMs: end ?? Number.MAX_SAFE_INTEGER, limit: limit ?? MOST_EVENTS };
}

function shown({ timeMs, message }: LogEvent): { timestamp: number; message: string; ingestionTime: number } {
  return { timestamp: timeMs, message, ingestionTime: timeMs };
}

/** A page of a list, in the order of its keys or against it, from after the key in the token. */
function page<T>(all: readonly T[], input: JsonCall['input'], keyOf: (item: T) => string): { items: T[]; next: { nextToken?: string } } {
  const descending = input['descending'] === true;
  const token = input['nextToken'] as string | undefined;
  const before = token === undefined ? null : keyIn(token, /^[^\n]+$/);
  const rest = all
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => before === null || (descending ? key < before : key > before))
    .sort((a, b) => (a.key < b.key === descending ? 1 : -1));
  const items = rest.slice(0, (input['limit'] as number | undefined) ?? LONGEST_PAGE);
  const last = items.at(-1);
  return {
    items: items.map(({ item }) => item),
    next: last !== undefined && items.length < rest.length ? { nextToken: keyToken(last.key) } : {},
  };
}

const OPERATIONS: Readonly<Record<string, LogsOperation>> = {
  ...GROUP_OPERATIONS,
  ...TAG_OPERATIONS,
  DescribeLogGroups: describeLogGroups,
  DescribeLogStreams: describeLogStreams,
  FilterLogEvents: filterLogEvents,
  GetLogEvents: getLogEvents,
};

/** The operations, each with what it needs. */
export function logsOperations(deps: LogsDeps): Readonly<Record<string, JsonOperation>> {
  return Object.fromEntries(Object.entries(OPERATIONS).map(([name, run]) => [name, (call: JsonCall) => run(call, deps)]));
}
