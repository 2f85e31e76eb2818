/** What is known when an event is done with. */
export interface OutcomeFacts {
  readonly nowMs: number;
  readonly requestId: string;
  /** With its qualifier. */
  readonly functionArn: string;
  readonly condition: 'Success' | 'RetriesExhausted' | 'EventAgeExceeded' | (string & {});
  /** How often the function was run. */
  readonly invokeCount: number;
  readonly requestPayload: Buffer;
  /** The last answer; null when the function was never reached. */
  readonly response: { readonly body: Buffer; readonly executedVersion: string; readonly functionError: string | null } | null;
}

/** The record that Lambda sends to a destination, as JSON bytes. Payloads that are JSON are put in as they are; others as text. */
export function outcomeRecord(facts: OutcomeFacts): Buffer {
  const { response } = facts;
  const head = {
    version: '1.0',
    timestamp: new Date(facts.nowMs).toISOString(),
    requestContext: {
      requestId: facts.requestId,
      functionArn: facts.functionArn,
      condition: facts.condition,
      approximateInvokeCount: facts.invokeCount,
    },
  };
  const parts = [open(head), Buffer.from(',"requestPayload":'), json(facts.requestPayload)];
  if (response !== null) {
    const context = {
      statusCode: 200,
      executedVersion: response.executedVersion,
      ...(response.functionError === null ? {} : { functionError: response.functionError }),
    };
    parts.push(Buffer.from(`,"responseContext":${JSON.stringify(context)},"responsePayload":`), json(response.body));
  }
  parts.push(Buffer.from('}'));
  return Buffer.concat(parts);
}

function open(document: object): Buffer {
  return Buffer.from(JSON.stringify(document).slice(0, -1));
}

function json(bytes: Buffer): Buffer {
  if (bytes.length === 0) return Buffer.from('null');
  try {
    JSON.parse(bytes.toString());
    return bytes;
  } catch {
    return Buffer.from(JSON.stringify(bytes.toString()));
  }
}
