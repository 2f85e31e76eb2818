import type { IncomingMessage, ServerResponse } from 'node:http';
import { HearthError } from '../errors.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import { lineageOf } from '../model/lineage.ts';
import { readBody } from './body.ts';
import { header, type InvokeDeps, type InvokeTarget } from './invoke.ts';

/** Takes an asynchronous invocation: 202 with an empty body once it is durable in the ledger. The request's id is the event's and the invocation's. */
export async function acceptEvent(
  request: IncomingMessage,
  response: ServerResponse,
  context: { target: InvokeTarget; version: FunctionVersion; deps: InvokeDeps },
): Promise<void> {
  const { target, version, deps } = context;
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > deps.eventBytes) throw tooLarge(announced, deps.eventBytes);
  const body = await readBody(request, deps.eventBytes);
  const traceId = header(request, 'x-amzn-trace-id');
  await deps.intake.accept([
    {
      id: target.requestId,
      requestId: target.requestId,
      source: 'async',
      sourceArn: '',
      subject: '',
      functionId: version.functionId,
      qualifier: qualifierOf(target),
      orderKey: null,
      payload: json(body),
      clientContext: Buffer.from(header(request, 'x-amz-client-context'), 'base64').toString(),
      lineage: lineageOf(traceId),
      traceId,
      occurredAtMs: deps.clock.now(),
    },
  ]);
  response.writeHead(202, { 'content-length': 0, 'x-amzn-requestid': target.requestId });
  response.end();
}

const QUALIFIED = /^(?:.*function:|(?:.*:)?\d{12}:)?[a-zA-Z0-9\-_.]+:([^:]+)$/;

/** Given apart, or at the end of the name: `echo:7`, or an ARN's eighth part. */
function qualifierOf({ name, qualifier }: InvokeTarget): string | null {
  const given = qualifier ?? QUALIFIED.exec(name)?.[1] ?? null;
  return given === '$LATEST' ? null : given;
}

/** Refuses what no function could take, as Lambda does; the event itself stays the bytes that came. */
function json(body: Buffer): Buffer {
  if (body.length === 0) return Buffer.from('{}');
  try {
    JSON.parse(body.toString());
    return body;
  } catch (error) {
    throw new HearthError('InvalidRequestContentException', `Could not parse request body into json: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function tooLarge(bytes: number, most: number): HearthError {
  const message = `${bytes} byte payload is too large for the Event invocation type (limit ${most} bytes)`;
  return new HearthError('RequestTooLargeException', message, { details: { Type: 'User' } });
}
