import { parseDestination } from '../../model/destination.ts';
import { isSystemTable, parseTableArn } from '../../model/table-arn.ts';
import { checkFilters } from './event-filter.ts';
import type { Input } from './model/check.ts';
import { invalid, type LambdaDeps } from './operation.ts';

/** What a mapping can take from. */
export type EventSourceKind = 'queue' | 'table';

const QUEUE = /^arn:aws:sqs:[^:]+:\d{12}:[^:]+$/;
const MOST_RECORDS = 10_000;
const WITHOUT_WINDOW = 10;

/** Members that only one of them has: Lambda refuses them elsewhere, and what is accepted must hold. */
const OF_STREAMS = [
  'StartingPosition',
  'ParallelizationFactor',
  'BisectBatchOnFunctionError',
  'MaximumRecordAgeInSeconds',
  'MaximumRetryAttempts',
  'DestinationConfig',
];
const OF_QUEUES = ['ScalingConfig'];
/** What nothing here does. */
const OF_NONE = ['TumblingWindowInSeconds', 'StartingPositionTimestamp', 'ProvisionedPollerConfig', 'Topics', 'Queues', 'KMSKeyArn'];

const DEFAULTS: Readonly<Record<EventSourceKind, Input>> = {
  queue: { BatchSize: 10, MaximumBatchingWindowInSeconds: 0, FunctionResponseTypes: [] },
  table: {
    BatchSize: 100,
    MaximumBatchingWindowInSeconds: 0,
    ParallelizationFactor: 1,
    BisectBatchOnFunctionError: false,
    MaximumRecordAgeInSeconds: -1,
    MaximumRetryAttempts: -1,
    DestinationConfig: { OnFailure: {} },
    FunctionResponseTypes: [],
  },
};

/** What an ARN means. Throws InvalidParameterValueException for what no mapping takes from. */
export function eventSourceKind(arn: string, scope: LambdaDeps['registry']['scope']): EventSourceKind {
  if (QUEUE.test(arn)) return 'queue';
  const table = parseTableArn(arn);
  if (table !== null && isSystemTable(table.table)) throw invalid(`${table.table} is a system’s own table, and triggers nothing.`);
  if (table?.region === scope.region && table.accountId === scope.accountId) return 'table';
  throw invalid(
    `Hearth has event source mappings for queues (arn:aws:sqs:…) and for tables (arn:aws:hearth:${scope.region}:${scope.accountId}:table/SCHEMA.TABLE), not for ${arn}.`,
  );
}

/** The settings of a mapping: what is given over what is there, over what holds for every one. Throws InvalidParameterValueException. */
export function eventSourceSettings(kind: EventSourceKind, given: Input, present: Input): Input {
  const wrong = [...(kind === 'queue' ? OF_STREAMS : OF_QUEUES), ...OF_NONE].filter((name) => says(given[name]));
  if (wrong.length > 0) throw invalid(`A mapping of a ${kind} has no ${wrong.join(', ')}: leave it out of the request.`);
  const settings: Input = { ...DEFAULTS[kind], ...present, ...given };
  const batch = Number(settings['BatchSize']);
  if (batch > MOST_RECORDS) throw invalid(`Batch size must be between 1 and ${MOST_RECORDS} for a ${kind}.`);
  if (kind === 'queue' && batch > WITHOUT_WINDOW && settings['MaximumBatchingWindowInSeconds'] === 0)
    throw invalid('Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10');
  if (kind === 'table') checkStream(settings);
  checkFilters(given['FilterCriteria'] as Input | undefined);
  return settings;
}

/** Refuses of a FIFO queue what would put its messages out of their order. Throws InvalidParameterValueException. */
export function checkFifo(arn: string, settings: Input): void {
  if (!QUEUE.test(arn) || !arn.endsWith('.fifo')) return;
  if (settings['MaximumBatchingWindowInSeconds'] !== 0) throw invalid('Batching window is not supported for FIFO queues.');
  if (Number(settings['BatchSize']) > WITHOUT_WINDOW) throw invalid(`Batch size must be between 1 and ${WITHOUT_WINDOW} for a FIFO queue.`);
}

/** Whether a member asks for something. */
function says(value: unknown): boolean {
  if (value === undefined || value === 0 || value === false) return false;
  return typeof value !== 'object' || value === null || Object.values(value).some(says);
}

function checkStream(settings: Input): void {
  const start = settings['StartingPosition'];
  if (start !== 'LATEST' && start !== 'TRIM_HORIZON') {
    throw invalid(
      start === undefined
        ? '1 validation error detected: Value null at startingPosition failed to satisfy constraint: Member must not be null.'
        : 'StartingPosition: LATEST begins with what changes from now on, TRIM_HORIZON with the rows that are there; a table has no AT_TIMESTAMP.',
    );
  }
  const age = Number(settings['MaximumRecordAgeInSeconds']);
  if (age !== -1 && age < 60) throw invalid('MaximumRecordAgeInSeconds must be -1 or at least 60.');
  const destination = (settings['DestinationConfig'] as { OnFailure?: { Destination?: string } } | undefined)?.OnFailure?.Destination;
  if (destination === undefined || destination === '') return;
  if (['bus', 'table'].includes(parseDestination(destination).kind))
    throw invalid('A mapping tells no event bus and no table: name a queue, a function, a bucket or an address.');
}
