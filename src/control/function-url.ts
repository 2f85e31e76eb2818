import type { FunctionVersion } from '../model/function-version.ts';

/** A function's URL as a caller of `endpoint` reaches it; null when it has none. By path, since `NAME.fn.localhost` does not resolve everywhere. */
export function functionUrl(version: FunctionVersion, endpoint: string): string | null {
  return version.url === null ? null : `${endpoint}/fn/${version.name}/`;
}
