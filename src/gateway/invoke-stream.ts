import type { ServerResponse } from 'node:http';
import type { Dispatched } from '../dispatch/dispatcher.ts';
import { coldHeaders } from './cold-headers.ts';
import { eventMessage } from './event-stream.ts';
import { ResponseSink } from './response-sink.ts';
import { cutIfUnread } from './unread.ts';

/** What an answer of InvokeWithResponseStream says of itself. */
interface StreamOptions {
  readonly requestId: string;
  readonly executedVersion: string;
  /** The end of the log is wanted: only the end of the invocation has it. */
  readonly wantTail: boolean;
  readonly limitBytes: number;
}

/** The answer of InvokeWithResponseStream: an event for each piece, and one that says how it ended. */
export class EventStreamAnswer extends ResponseSink {
  readonly #options: StreamOptions;
  #complete = false;

  constructor(response: ServerResponse, options: StreamOptions) {
    super(response, options.limitBytes);
    this.#options = options;
  }

  finish(): void {
    if (!this.#options.wantTail) this.#end({});
  }

  /** The invocation ended. Of a handler that did not stream, all that it returned is one event. */
  end(done: Dispatched): void {
    if (!this.begun) {
      const headers: Record<string, string | number> = this.#headers('application/json');
      coldHeaders(headers, done);
      this.response.writeHead(200, headers);
      if (done.error === null) this.response.write(eventMessage('PayloadChunk', done.body));
    }
    this.#end({
      ...(done.error === null ? {} : { ErrorCode: done.error.kind, ErrorDetails: done.body.toString() }),
      ...(done.logTail === null ? {} : { LogResult: done.logTail.toString('base64') }),
    });
  }

  protected open(contentType: string): void {
    this.response.writeHead(200, this.#headers(contentType));
  }

  protected put(piece: Buffer): boolean {
    return this.response.write(eventMessage('PayloadChunk', piece));
  }

  #headers(contentType: string): Record<string, string> {
    return {
      'content-type': 'application/vnd.amazon.eventstream',
      'x-amzn-requestid': this.#options.requestId,
      'x-amz-executed-version': this.#options.executedVersion,
      'x-amzn-remapped-content-type': headerText(contentType),
    };
  }

  /** Once: an invocation whose answer was complete before its end has been told of. */
  #end(complete: Readonly<Record<string, string>>): void {
    if (this.#complete) return;
    this.#complete = true;
    this.response.end(eventMessage('InvokeComplete', Buffer.from(JSON.stringify(complete)), 'application/json'));
    cutIfUnread(this.response);
  }
}

/** A media type that a handler made up, as a header may hold it. */
export function headerText(contentType: string): string {
  const text = contentType.replace(/[^\t\x20-\x7e]/g, '').trim();
  return text === '' ? 'application/octet-stream' : text;
}
