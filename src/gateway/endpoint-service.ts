import type { IncomingMessage, ServerResponse } from 'node:http';

/** A service beside functions on the one endpoint, such as S3. */
export interface EndpointService {
  /** Whether pages of other origins are refused before the service is asked; false where it has rules of its own for them. */
  readonly ownOriginOnly: boolean;
  /** Whether a request is for this service. `signedFor`: the service in the scope of its signature, or null when it is not signed. Quick. */
  claims(request: IncomingMessage, signedFor: string | null): boolean;
  /** Serves the request to its end. What it rejects with is answered as Lambda's API would. */
  serve(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void>;
}
