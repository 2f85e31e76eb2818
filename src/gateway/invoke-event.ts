import type { IncomingMessage, ServerResponse } from 'node:http';
import { HearthError } from '../errors.ts';
import { lineageOf } from '../model/lineage.ts';
import type { Found } from './directory.ts';
import { authorise, bodyOf, header, type InvokeDeps } from './invoke-deps.ts';
import { checkPayload, clientContext, unparsable } from './invoke-request.ts';

/** Takes an asynchronous invocation: 202 with an empty body once it is durable in the ledger. The request's id is the event's and the invocation's. */
export async function acceptEvent(
  request: IncomingMessage,
  response: ServerResponse,
  context: { requestId: string; found: Found; deps: InvokeDeps; status?: boolean },
): Promise<void> {
  const { requestId, found, deps } = context;
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > deps.eventBytes) throw tooLarge(announced, deps.eventBytes);
  const body = await bodyOf(request, { authority: deps.authority, maxBytes: deps.eventBytes });
  if (deps.authority?.required === true) await authorise(request, { body, found, authority: deps.authority });
  const traceId = header(request, 'x-amzn-trace-id');
  await deps.intake.accept([
    {
      id: requestId,
      requestId,
      source: 'async',
      sourceArn: '',
      subject: '',
      functionId: found.version.functionId,
      qualifier: found.qualifier === '$LATEST' ? null : found.qualifier,
      orderKey: null,
      payload: json(body),
      clientContext: clientContext(request),
      lineage: lineageOf(traceId),
      traceId,
      occurredAtMs: deps.clock.now(),
    },
  ]);
  // InvokeAsync, which AWS has deprecated, says it in the body too.
  const answer = context.status === true ? '{"Status":202}' : '';
  response.writeHead(202, { 'content-length': answer.length, 'x-amzn-requestid': requestId });
  response.end(answer);
}

/** Refuses what no function could take, as Lambda does; the event itself stays the bytes that came. */
function json(body: Buffer): Buffer {
  if (body.length === 0) return Buffer.from('{}');
  checkPayload(body);
  try {
    JSON.parse(body.toString());
    return body;
  } catch (error) {
    throw unparsable(body, (error as Error).message);
  }
}

function tooLarge(bytes: number, most: number): HearthError {
  const message = `${bytes} byte payload is too large for the Event invocation type (limit ${most} bytes)`;
  return new HearthError('RequestTooLargeException', message, { details: { Type: 'User' } });
}
