import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authority } from '../../auth/authority.ts';
import { unforeseen, HearthError } from '../../errors.ts';
import { readAll } from '../../lib/read-all.ts';
import { sendBody } from '../../lib/send-body.ts';

interface StsDeps {
  readonly authority: Authority;
  readonly scope: { readonly accountId: string };
  readonly log: { error(fields: object, message: string): void };
}

/** STS, and the answer for what is not here. */
export function identityServices(deps: StsDeps): readonly (StsService | AbsentServices)[] {
  return [new StsService(deps), new AbsentServices()];
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';
const BODY_BYTES = 64 * 1024;

/** STS's GetCallerIdentity, which deploy tools ask first of all: whose key a request was signed with. In AWS's Query protocol. */
class StsService {
  readonly ownOriginOnly = true;
  readonly #deps: StsDeps;

  constructor(deps: StsDeps) {
    this.#deps = deps;
  }

  claims(_request: IncomingMessage, signedFor: string | null): boolean {
    return signedFor === 'sts';
  }

  /** Serves a request; never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    try {
      sendXml(response, 200, await this.#run(request, requestId));
    } catch (error) {
      if (request.readableAborted) return; // hung up before it had said what it wanted
      const known = unforeseen(error);
      if (known.fault === 'platform') this.#deps.log.error({ err: error, requestId }, 'a request to sts failed');
      const code = CODES[known.code] ?? known.code;
      sendXml(response, known.status, errorDocument(requestId, { code, message: known.message, fault: known.fault }));
    }
  }

  async #run(request: IncomingMessage, requestId: string): Promise<string> {
    const { authority, scope } = this.#deps;
    const signed = { method: request.method ?? 'POST', url: request.url ?? '/', headers: request.headersDistinct };
    await authority.screen(signed, 'sts');
    const body = await readAll(request, BODY_BYTES);
    if (body === null) throw new HearthError('ValidationException', `A request may have ${BODY_BYTES} bytes.`);
    const { accessKeyId } = await authority.identify(signed, body, 'sts');
    const query = new URLSearchParams(signed.method === 'GET' ? (signed.url.split('?')[1] ?? '') : body.toString());
    const action = query.get('Action') ?? '';
    if (action !== 'GetCallerIdentity')
      throw new HearthError(
        'UnknownOperationException',
        `Hearth serves of sts: GetCallerIdentity; not ${action}. Roles are names here: keys decide.`,
      );
    const { accountId } = scope;
    // In anonymous mode nobody is asked for a key, and everybody may do everything.
    const [arn, userId] =
      accessKeyId === null ? [`arn:aws:iam::${accountId}:root`, accountId] : [`arn:aws:iam::${accountId}:user/${accessKeyId}`, accessKeyId];
    const result = `<Arn>${arn}</Arn><UserId>${userId}</UserId><Account>${accountId}</Account>`;
    const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
    return `<${action}Response xmlns="${NAMESPACE}"><${action}Result>${result}</${action}Result>${metadata}</${action}Response>`;
  }
}

/** Services that Hearth has, as signatures name them. */
const SERVED: ReadonlySet<string> = new Set(['lambda', 's3', 'sqs', 'events', 'scheduler', 'logs', 'sts']);

/** What is Hearth's own, whatever it was signed for. */
const OWN = /^\/(?:hearth(?:\/|$|\?)|healthz|metrics)/;

/** Services of paths (`GET /v2/apis`) that answer in XML; all others of these do in JSON. */
const IN_XML: ReadonlySet<string> = new Set(['route53', 'cloudfront']);

/** What is signed for a service of AWS that Hearth does not have: answered in the protocol of who asks, so that its client can say what is wrong. */
class AbsentServices {
  readonly ownOriginOnly = true;

  claims(request: IncomingMessage, signedFor: string | null): boolean {
    return signedFor !== null && !SERVED.has(signedFor) && !OWN.test(request.url ?? '/');
  }

  /** Serves a request; never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    const service = /\/([a-z0-9-]+)\/aws4_request/.exec(request.headers.authorization ?? '')?.[1] ?? 'this service';
    const message = `Hearth has no ${service}: of AWS's services it has ${[...SERVED].join(', ')}.`;
    const isTargeted = request.headers['x-amz-target'] !== undefined;
    const isQuery = !isTargeted && request.url?.split('?')[0] === '/';
    if (isQuery || IN_XML.has(service)) {
      sendXml(response, 400, errorDocument(requestId, { code: 'InvalidAction', message, fault: 'caller' }));
      return;
    }
    const code = 'UnknownOperationException';
    const type = isTargeted ? 'application/x-amz-json-1.1' : 'application/json';
    const headers = { 'content-type': type, 'x-amzn-requestid': requestId, ...(isTargeted ? {} : { 'x-amzn-errortype': code }) };
    sendBody(response, 400, { headers, body: Buffer.from(JSON.stringify({ ...(isTargeted ? { __type: code } : {}), message })) });
  }
}

/** How the Query protocol names errors that all of AWS's services have. */
const CODES: Readonly<Record<string, string>> = {
  UnknownOperationException: 'InvalidAction',
  ValidationException: 'ValidationError',
  MissingAuthenticationTokenException: 'MissingAuthenticationToken',
  UnrecognizedClientException: 'InvalidClientTokenId',
  InvalidSignatureException: 'SignatureDoesNotMatch',
  IncompleteSignatureException: 'IncompleteSignature',
};

function errorDocument(requestId: string, { code, message, fault }: { code: string; message: string; fault: string }): string {
  const type = fault === 'platform' ? 'Receiver' : 'Sender';
  const error = `<Error><Type>${type}</Type><Code>${code}</Code><Message>${escaped(message)}</Message></Error>`;
  return `<ErrorResponse xmlns="${NAMESPACE}">${error}<RequestId>${requestId}</RequestId></ErrorResponse>`;
}

function sendXml(response: ServerResponse, status: number, document: string): void {
  if (response.destroyed) return;
  sendBody(response, status, { headers: { 'content-type': 'text/xml' }, body: Buffer.from(document) });
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
