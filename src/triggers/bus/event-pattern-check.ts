import { HearthError } from '../../errors.ts';
import { eventPatternFault } from '../../lib/event-pattern-fault.ts';
import type { EventPattern } from '../../lib/event-pattern.ts';

/** Reads a pattern. Throws InvalidEventPatternException in EventBridge's words. */
export function parseEventPattern(text: string): EventPattern {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid((error as Error).message, error);
  }
  const fault = eventPatternFault(value);
  if (fault !== null) throw invalid(fault);
  return value as EventPattern;
}

function invalid(reason: string, cause?: unknown): HearthError {
  return new HearthError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}`, { cause });
}
