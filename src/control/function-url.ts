import type { FunctionUrl } from '../model/function-version.ts';

/**
 * A function's URL, or that of an alias of it, as a caller of `endpoint` reaches it; null when it has none. By path, since `NAME.fn.localhost`
 * does not resolve everywhere.
 */
export function functionUrl(
  of: { readonly name: string; readonly url: FunctionUrl | null },
  endpoint: string,
  alias: string | null = null,
): string | null {
  if (of.url === null) return null;
  return `${endpoint}/fn/${alias === null ? of.name : `${of.name}:${alias}`}/`;
}
