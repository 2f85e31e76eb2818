import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JsonServiceDeps } from '../aws-json.ts';
import { HearthError } from '../../errors.ts';
import { readAll } from '../../lib/read-all.ts';
import { sendBody } from '../../lib/send-body.ts';
import { modelIn, type OperationModel } from '../lambda/model/model.ts';
import { replyOf } from '../lambda/model/reply.ts';
import { readRequest } from '../lambda/model/request.ts';
import type { Input } from '../lambda/model/check.ts';
import { groupArn } from './groups.ts';
import type { SchedulerDeps } from './operation.ts';
import { scheduleArn, schedulerOperation } from './operations.ts';

const MODEL = modelIn('scheduler/scheduler.json');
const BODY_BYTES = 1024 * 1024;

/** A request of the API, with what its path carries. */
interface Route {
  readonly name: string;
  readonly operation: OperationModel;
  readonly params: Readonly<Record<string, string>>;
}

/** EventBridge Scheduler's API on the one endpoint: schedules and their groups. */
export class SchedulerService {
  readonly ownOriginOnly = true;
  readonly #deps: SchedulerDeps & JsonServiceDeps;

  constructor(deps: SchedulerDeps & JsonServiceDeps) {
    this.#deps = deps;
  }

  /** Its paths say too little to be told from a bucket's: requests are known by their signature. */
  claims(_request: IncomingMessage, signedFor: string | null): boolean {
    return signedFor === 'scheduler';
  }

  /** Serves a request; never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    try {
      send(response, { status: 200, requestId }, await this.#run(request));
    } catch (error) {
      if (request.readableAborted) return; // hung up before it had said what it wanted
      const known =
        error instanceof HearthError ? error : new HearthError('ServiceException', 'An internal error occurred.', { cause: error });
      if (known.fault === 'platform') this.#deps.log.error({ err: error, requestId }, 'a request to scheduler failed');
      const [code, status] =
        known.code === 'InvalidRequestContentException' ? (['ValidationException', 400] as const) : [known.code, known.status];
      send(response, { status, requestId, errorType: code }, { Message: known.message });
    }
  }

  async #run(request: IncomingMessage): Promise<unknown> {
    const { authority } = this.#deps;
    const [method, url] = [request.method ?? 'GET', request.url ?? '/'];
    const signed = { method, url, headers: request.headersDistinct };
    await authority.screen(signed, 'scheduler');
    const body = await readAll(request, BODY_BYTES);
    if (body === null) throw new HearthError('ValidationException', `A request may have ${BODY_BYTES} bytes.`);
    const caller = await authority.identify(signed, body, 'scheduler');
    const [path = '', query = ''] = url.split('?', 2);
    const { name, operation, params } = routed(method, path);
    const raw = { params, query: new URLSearchParams(query), headers: request.headers, body };
    const input = readRequest(operation, raw, MODEL);
    caller.require(`scheduler:${name}`, resourceOf(name, input, this.#deps));
    return replyOf(operation, await schedulerOperation(name, input, this.#deps), MODEL).document ?? {};
  }
}

/** The ARN of what a request is about, for statements. */
function resourceOf(operation: string, input: Input, deps: SchedulerDeps): string {
  const [arn, name, group] = [input['ResourceArn'], input['Name'], input['GroupName']] as (string | undefined)[];
  if (arn !== undefined) return arn;
  if (/ScheduleGroups?$/.test(operation)) return groupArn(name ?? '*', deps);
  return scheduleArn({ ...(group === undefined ? {} : { group }), name: name ?? '*' }, deps);
}

function routed(method: string, path: string): Route {
  const segments = path.replace(/\/$/, '').split('/');
  for (const [name, operation] of Object.entries(MODEL.operations)) {
    const wanted = operation.uri.split('/');
    if (operation.method !== method || wanted.length !== segments.length) continue;
    const params: Record<string, string> = {};
    const same = wanted.every((part, i) => {
      const member = /^\{(\w+)\}$/.exec(part)?.[1];
      if (member !== undefined) params[member] = decoded(segments[i] ?? '');
      return member !== undefined || part === segments[i];
    });
    if (same) return { name, operation, params };
  }
  throw new HearthError(
    'UnknownOperationException',
    `Hearth serves of scheduler: ${Object.keys(MODEL.operations).join(', ')}; not ${method} ${path}.`,
  );
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // its shape refuses it
  }
}

function send(response: ServerResponse, head: { status: number; requestId: string; errorType?: string }, document: unknown): void {
  if (response.destroyed) return;
  const errorType = head.errorType === undefined ? {} : { 'x-amzn-errortype': head.errorType };
  const headers = { 'content-type': 'application/json', 'x-amzn-requestid': head.requestId, ...errorType };
  sendBody(response, head.status, { headers, body: Buffer.from(JSON.stringify(document)) });
}
