import { JsonService, type JsonServiceDeps } from '../aws-json.ts';
import type { Input } from '../lambda/model/check.ts';
import { modelIn } from '../lambda/model/model.ts';
import { eventsOperations } from './operations.ts';
import { busArn, ruleArn, type EventsDeps } from './rules.ts';

/** EventBridge's API: rules of the default bus, their targets, and events of one's own. */
export function eventsService(deps: EventsDeps & JsonServiceDeps): JsonService {
  const resourceOf = (input: Input): string => {
    if (typeof input['ResourceARN'] === 'string') return input['ResourceARN'];
    const rule = (input['Rule'] ?? input['Name']) as string | undefined;
    return rule === undefined ? busArn(deps) : ruleArn(rule, deps);
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
