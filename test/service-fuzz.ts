/** One request to the S3-compatible store or to the queues, before it is signed. */
export interface ServiceRequest {
  readonly service: 's3' | 'sqs';
  readonly method: string;
  /** Path and query, as they are sent. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'] as const;

/** Every resource of S3's API that is asked for by its query, and some that nobody has. */
const QUERIES = [
  '',
  'acl',
  'accelerate',
  'analytics&id=x',
  'cors',
  'delete',
  'encryption',
  'lifecycle',
  'list-type=2',
  'list-type=2&max-keys=-1&continuation-token=%00',
  'list-type=99',
  'location',
  'logging',
  'max-keys=99999999999999999999',
  'notification',
  'object-lock',
  'partNumber=0&uploadId=x',
  'partNumber=1&uploadId=%F0%9F%92%A5',
  'policy',
  'prefix=%FF&delimiter=%00&encoding-type=x',
  'replication',
  'requestPayment',
  'restore',
  'select&select-type=2',
  'tagging',
  'torrent',
  'uploads',
  'uploads&max-uploads=x',
  'uploadId=none',
  'versioning',
  'versionId=null',
  'versionId=%27%3B--',
  'versions&version-id-marker=x',
  'website',
  'x-id=Rubbish',
] as const;

const PATHS = [
  '/',
  '/fuzzed',
  '/fuzzed/',
  '/fuzzed/key',
  '/fuzzed/a%20b/%C3%BC',
  '/fuzzed/..%2f..%2fetc%2fpasswd',
  '/nobody/key',
  '/%00/%FF',
] as const;

const HEADERS: readonly Readonly<Record<string, string>>[] = [
  {},
  { range: 'bytes=9-1' },
  { range: 'lines=1-2' },
  { 'if-match': '*', 'if-none-match': '"x"' },
  { 'if-modified-since': 'yesterday' },
  { 'content-md5': 'rubbish' },
  { 'x-amz-checksum-crc32': '!!' },
  { 'x-amz-copy-source': '/fuzzed/key?versionId=x' },
  { 'x-amz-copy-source': '%' },
  { 'x-amz-tagging': 'a=b&&=&%' },
  { 'x-amz-acl': 'rubbish' },
  { 'x-amz-storage-class': 'NONE' },
  { 'x-amz-decoded-content-length': '-1', 'content-encoding': 'aws-chunked' },
  { 'x-amz-meta-x': 'y'.repeat(3_000) },
  { 'content-type': 'multipart/form-data; boundary=x' },
];

const BODIES: readonly string[] = [
  '',
  'text',
  '{',
  '<',
  '<a/>',
  '<?xml version="1.0"?><Delete><Object><Key></Key></Object></Delete>',
  '<Delete>' + '<Object><Key>k</Key></Object>'.repeat(1_001) + '</Delete>',
  '<CompleteMultipartUpload><Part><PartNumber>x</PartNumber></Part></CompleteMultipartUpload>',
  '<NotificationConfiguration><QueueConfiguration><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>',
  '<VersioningConfiguration><Status>Perhaps</Status></VersioningConfiguration>',
  '<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>',
  '<CORSConfiguration><CORSRule/></CORSConfiguration>',
  '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
  '<a>'.repeat(2_000),
  '\0\u{1F4A5}',
];

const SQS_OPERATIONS = [
  'AddPermission',
  'CancelMessageMoveTask',
  'ChangeMessageVisibility',
  'ChangeMessageVisibilityBatch',
  'CreateQueue',
  'DeleteMessage',
  'DeleteMessageBatch',
  'DeleteQueue',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ListDeadLetterSourceQueues',
  'ListMessageMoveTasks',
  'ListQueues',
  'ListQueueTags',
  'PurgeQueue',
  'ReceiveMessage',
  'RemovePermission',
  'SendMessage',
  'SendMessageBatch',
  'SetQueueAttributes',
  'StartMessageMoveTask',
  'TagQueue',
  'UntagQueue',
  'Rubbish',
  '__proto__',
  'constructor',
] as const;

const MEMBERS = [
  'QueueUrl',
  'QueueName',
  'QueueNamePrefix',
  'MessageBody',
  'Entries',
  'Attributes',
  'AttributeNames',
  'ReceiptHandle',
  'VisibilityTimeout',
  'MaxNumberOfMessages',
  'DelaySeconds',
  'MessageAttributes',
  'MessageSystemAttributes',
  'MessageGroupId',
  'MessageDeduplicationId',
  'Tags',
  'TagKeys',
  'NextToken',
  'MaxResults',
  'SourceArn',
] as const;

const VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  1.5,
  1e308,
  '',
  'x',
  'fuzzed',
  'http://127.0.0.1/000000000000/fuzzed',
  '\0',
  'x'.repeat(100_000),
  '\u{1F4A5}',
  '\uD800',
  'All',
  [],
  [null],
  ['All'],
  [{}],
  [{ Id: 'a', MessageBody: 'b' }, { Id: 'a' }],
  {},
  { VisibilityTimeout: '-1' },
  { RedrivePolicy: '{' },
  { RedrivePolicy: 'null' },
  { RedrivePolicy: '{"deadLetterTargetArn":1,"maxReceiveCount":"x"}' },
  { a: { DataType: 'Number', StringValue: 'NaN' } },
  { a: { DataType: 'Binary', BinaryValue: '!' } },
  { __proto__: null },
];

/** Requests that no client makes, and some that one might, of S3's and SQS's APIs. The same seed makes the same requests. */
export function* serviceRequests({ seed, count }: { readonly seed: number; readonly count: number }): Generator<ServiceRequest> {
  let state = seed >>> 0;
  // A linear congruential generator: which one does not matter, that it is the same everywhere does.
  const pick = <T>(of: readonly T[]): T => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return of[Math.floor((state / 4_294_967_296) * of.length)] as T;
  };
  for (let n = 0; n < count; n++) yield n % 2 === 0 ? s3Request(pick) : sqsRequest(pick);
}

type Pick = <T>(of: readonly T[]) => T;

function s3Request(pick: Pick): ServiceRequest {
  const query = pick(QUERIES);
  const headers = { ...pick(HEADERS), ...pick(HEADERS) };
  return {
    service: 's3',
    method: pick(METHODS),
    url: pick(PATHS) + (query === '' ? '' : `?${query}`),
    headers,
    body: Buffer.from(pick(BODIES)),
  };
}

function sqsRequest(pick: Pick): ServiceRequest {
  const document: Record<string, unknown> = { QueueUrl: 'http://127.0.0.1/000000000000/fuzzed', WaitTimeSeconds: 0 };
  for (let n = 0; n < 4; n++) document[pick(MEMBERS)] = pick(VALUES);
  const whole = pick([true, true, true, false]);
  const target = `${pick(['AmazonSQS.', 'AmazonSQS.', 'AmazonSQS.', 'AmazonSQS'])}${pick(SQS_OPERATIONS)}`;
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target };
  return {
    service: 'sqs',
    method: pick(['POST', 'POST', 'GET']),
    url: '/',
    headers,
    body: Buffer.from(whole ? JSON.stringify(document) : pick(BODIES)),
  };
}
