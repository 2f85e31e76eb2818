import { PictureError } from './errors.ts';

const MAX_BYTES = 20 * 1024 * 1024;
const MAX_REDIRECTS = 3;
const TIMEOUT_MS = 10_000;

/** Fetches a picture over http or https, within limits of size, time and redirects. */
export async function download(url: string): Promise<Buffer> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    return await readBody(await follow(url, signal));
  } catch (error) {
    if (error instanceof PictureError) throw error;
    const reason = signal.aborted ? `no answer in ${TIMEOUT_MS / 1000} s` : describe(error);
    throw new PictureError(502, `cannot fetch ${url}: ${reason}`, { cause: error });
  }
}

async function follow(first: string, signal: AbortSignal): Promise<Response> {
  let url = new URL(first);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await fetch(url, { signal, redirect: 'manual' });
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null) {
      if (response.ok) return response;
      await response.body?.cancel();
      throw new PictureError(502, `${url} answered ${response.status}`);
    }
    await response.body?.cancel();
    url = new URL(location, url);
    if (!/^https?:$/.test(url.protocol)) throw new PictureError(502, `${first} leads to a ${url.protocol} address`);
  }
  throw new PictureError(502, `${first} redirects more than ${MAX_REDIRECTS} times`);
}

async function readBody(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    // Leaving the loop cancels the transfer.
    if (length > MAX_BYTES) throw new PictureError(413, `the picture is larger than ${MAX_BYTES / 1024 / 1024} MB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** fetch says "fetch failed"; its cause says why. */
function describe(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message;
}
