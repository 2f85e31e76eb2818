import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { withCors, type CorsHeaders } from './cors.ts';
import { WITHOUT_BODY, type UrlHead } from './answer-head.ts';
import { headerText } from './invoke-stream.ts';
import { cutPrelude, PRELUDE_TYPE } from './prelude.ts';
import { ResponseSink } from './response-sink.ts';
import { cutIfUnread } from './unread.ts';

interface UrlStreamOptions {
  readonly requestId: string;
  readonly cors: CorsHeaders;
  readonly limitBytes: number;
}

const NOTHING = Buffer.alloc(0);

/** The answer of a function URL that streams. Its status and headers are the prelude's, where the handler writes one; else 200 and its media type. */
export class UrlStreamAnswer extends ResponseSink {
  readonly #options: UrlStreamOptions;
  /** What came of a prelude that is not complete; null: there is none to wait for. */
  #prelude: Buffer | null = null;
  #finished = false;

  constructor(response: ServerResponse, options: UrlStreamOptions) {
    super(response, options.limitBytes);
    this.#options = options;
  }

  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    if (this.#prelude !== null) return this.#refuse();
    this.response.end();
    cutIfUnread(this.response);
  }

  /** The invocation failed after its answer had begun: cut short, so that no client takes it for whole; with `otherwise` where nothing was sent yet. */
  fail(otherwise: () => void): void {
    if (this.#finished) return;
    this.#finished = true;
    if (this.response.headersSent) this.response.destroy();
    else otherwise();
  }

  protected open(contentType: string): void {
    if (contentType === PRELUDE_TYPE) this.#prelude = NOTHING;
    else this.#send({ status: 200, headers: { 'content-type': headerText(contentType) }, length: null });
  }

  protected put(piece: Buffer): boolean {
    if (this.#prelude === null) return this.response.write(piece);
    const cut = cutPrelude(this.#prelude.length === 0 ? piece : Buffer.concat([this.#prelude, piece]));
    if (cut === null) {
      this.#refuse();
      return true;
    }
    if (cut === 'more') {
      this.#prelude = Buffer.concat([this.#prelude, piece]);
      return true;
    }
    this.#prelude = null;
    this.#send(cut.head);
    if (this.#finished) return true;
    if (cut.rest.length > 0) return this.response.write(cut.rest);
    this.response.flushHeaders(); // the body may be long in coming
    return true;
  }

  #send({ status, headers, length }: UrlHead): void {
    const head = this.response.req.method === 'HEAD';
    const ofBody = head && length !== null && !WITHOUT_BODY.has(status) ? { 'content-length': length } : {};
    const all = { ...withCors(headers, this.#options.cors), ...ofBody, 'x-amzn-requestid': this.#options.requestId };
    this.response.writeHead(status, all as OutgoingHttpHeaders);
    if (head || WITHOUT_BODY.has(status)) this.#endAtOnce();
  }

  /** That is all of an answer that can have no body, of which node:http would send nothing before its end; and what comes of it later can't make it less. */
  #endAtOnce(): void {
    this.#finished = true;
    this.response.end();
    this.stopReading();
  }

  /** What a prelude was announced for is none. */
  #refuse(): void {
    this.#prelude = null;
    this.#finished = true;
    const body = '{"Message":"Internal Server Error"}';
    const headers = { 'content-type': 'application/json', 'content-length': body.length, ...this.#options.cors };
    this.response.writeHead(502, { ...headers, 'x-amzn-requestid': this.#options.requestId });
    this.response.end(body);
    this.stopReading();
  }
}
