import { JsonService, type JsonServiceDeps } from '../aws-json.ts';
import type { Input } from '../lambda/model/check.ts';
import { modelIn } from '../lambda/model/model.ts';
import { eventsOperations } from './operations.ts';
import { busArn, busNameIn, ruleArn, type EventsDeps } from './rules.ts';

/** EventBridge's API: buses, their rules with targets, and events of one's own. */
export function eventsService(deps: EventsDeps & JsonServiceDeps): JsonService {
  const resourceOf = (input: Input, operation: string): string | string[] => {
    if (typeof input['ResourceARN'] === 'string') return input['ResourceARN'];
    if (Array.isArray(input['Entries'])) {
      const entries = input['Entries'] as readonly Input[];
      return [...new Set(entries.map((entry) => busArn(busNameIn(entry['EventBusName']), deps)))];
    }
    const name = input['Name'] as string | undefined;
    if (/EventBus/.test(operation)) return busArn(busNameIn(name), deps);
    const bus = busNameIn(input['EventBusName']);
    const rule = (input['Rule'] as string | undefined) ?? name;
    return rule === undefined ? busArn(bus, deps) : ruleArn({ bus, name: rule }, deps);
  };
  const operations = eventsOperations(deps);
  return new JsonService(
    {
      service: 'events',
      target: 'AWSEvents',
      model: modelIn('events/events.json'),
      operations,
      invalid: 'ValidationException',
      resourceOf,
    },
    deps,
  );
}
