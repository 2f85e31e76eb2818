import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { clientOptions } from '../../test/scenarios/server-credentials.ts';
import type { Answer } from './call.ts';

/** AWS's own clients of the services beside Lambda, with the key that the server made for itself. Nothing is retried: an answer counts the first time. */
export interface Clients {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly events: EventBridgeClient;
  close(): void;
}

/** Clients of the server at `endpoint` whose HEARTH_HOME is `home`. */
export function clientsOf(endpoint: string, home: string): Clients {
  const common = clientOptions({ endpoint, home });
  const s3 = new S3Client({ ...common, forcePathStyle: true });
  const sqs = new SQSClient(common);
  const events = new EventBridgeClient(common);
  return {
    s3,
    sqs,
    events,
    close() {
      s3.destroy();
      sqs.destroy();
      events.destroy();
    },
  };
}

interface Metadata {
  readonly httpStatusCode?: number | undefined;
}

/** What a call of an AWS SDK came to, answer or error, in the form in which AWS's Python SDK gives it. */
export async function asRecorded(call: Promise<object>): Promise<Answer> {
  try {
    const { $metadata, ...answer } = (await call) as Answer & { $metadata: Metadata };
    return { ...answer, ...metadata($metadata) };
  } catch (error) {
    const { $metadata } = error as { $metadata?: Metadata };
    if ($metadata?.httpStatusCode === undefined) throw error;
    return { Error: errorOf(error as Error), ...metadata($metadata) };
  }
}

/** Members of an error that are the SDK's, or of the answer as a whole. */
const NOT_OF_THE_ERROR = new Set(['name', 'message', 'stack', 'RequestId', 'HostId', 'Type', 'Resource']);

function errorOf(error: Error): Answer {
  const members = Object.entries(error).filter(([name]) => !name.startsWith('$') && !NOT_OF_THE_ERROR.has(name));
  return { Code: error.name, ...Object.fromEntries(members), Message: error.message };
}

function metadata({ httpStatusCode }: Metadata): Answer {
  return { ResponseMetadata: { HTTPHeaders: {}, HTTPStatusCode: httpStatusCode } };
}
