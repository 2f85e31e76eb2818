import type { IncomingMessage } from 'node:http';
import { HearthError } from '../errors.ts';

/** Host names that always mean this machine. */
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Creating a function is running code, so a web page the user happens to visit must not reach the API: the Host must be one of ours
 * (against DNS rebinding) and a browser's Origin, where there is one, must be this very endpoint. Function URLs are for anyone.
 */
export interface HostCheck {
  /** Throws HearthError ForbiddenOrigin. `api`: whether the request is for an API rather than a function URL. */
  check(request: IncomingMessage, api: boolean): void;
}

export function hostCheck(allowedHosts: readonly string[]): HostCheck {
  const allowed = new Set(allowedHosts.map((h) => h.toLowerCase()));
  const known = (host: string): boolean => LOOPBACK.has(host) || host.endsWith('.localhost') || allowed.has(host) || allowed.has('*');
  /** The header that was last found to be good: nearly all requests carry the same. */
  let good = '';
  return {
    check(request, api) {
      const { host: given = '' } = request.headers;
      if (given !== good) {
        const host = hostName(given);
        if (host !== '' && !known(host)) {
          throw new HearthError('ForbiddenOrigin', `host '${host}' is not allowed here; add it to HEARTH_ALLOWED_HOSTS to serve it`);
        }
        good = given;
      }
      const { origin } = request.headers;
      if (!api || origin === undefined) return;
      const from = originHost(origin);
      if (from === null || from !== given.toLowerCase()) {
        throw new HearthError('ForbiddenOrigin', `pages of origin '${origin}' may not call this API`);
      }
    },
  };
}

/** The name in a Host header, without its port, in lower case. */
export function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

function originHost(origin: string): string | null {
  try {
    return new URL(origin).host.toLowerCase();
  } catch {
    return null;
  }
}
