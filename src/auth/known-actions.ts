import { HearthError } from '../errors.ts';
import { nearest } from '../lib/nearest.ts';
import { like } from '../lib/wildcard.ts';
import type { KeyStatement } from './statements.ts';

/**
 * Throws InvalidParameterValueException for statements that name an action which no request ever is, by a slip or because it is of a service that is not
 * here: they would be kept, and decide nothing. `known`: every action, in AWS's own spelling.
 */
export function requireKnownActions(statements: readonly KeyStatement[], known: readonly string[]): void {
  for (const action of statements.flatMap((s) => s.Action)) {
    if (known.some((one) => like(action.toLowerCase(), one.toLowerCase()))) continue;
    throw new HearthError(
      'InvalidParameterValueException',
      `${action} is no action of this server, so that a statement of it would decide nothing: ${meant(action, known)}`,
    );
  }
}

function meant(action: string, known: readonly string[]): string {
  const [service = '', name = ''] = action.split(':');
  const services = [...new Set(known.map((one) => one.slice(0, one.indexOf(':'))))].sort();
  if (!services.includes(service.toLowerCase())) {
    const near = nearest(service, services);
    // The same slip is in the name, too, as often as not.
    const whole = near === null ? null : (nearestOf(near, name, known) ?? (/^\*+$/.test(name) ? `${near}:*` : null));
    return whole === null ? `it has actions of ${services.join(', ')}, and none of ${service}` : `did you mean ${whole}?`;
  }
  const near = nearestOf(service.toLowerCase(), name, known);
  return near === null ? `\`${service}:*\` is all that there is of ${service}` : `did you mean ${near}?`;
}

/** The action of a service that a name most likely was meant to be. */
function nearestOf(service: string, name: string, known: readonly string[]): string | null {
  const names = known.filter((one) => one.startsWith(`${service}:`)).map((one) => one.slice(service.length + 1));
  const near = nearest(name.replaceAll(/[*?]/g, ''), names);
  return near === null ? null : `${service}:${near}`;
}
