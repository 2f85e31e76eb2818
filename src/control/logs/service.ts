import { JsonService, type JsonServiceDeps } from '../aws-json.ts';
import type { Input } from '../lambda/model/check.ts';
import { modelIn } from '../lambda/model/model.ts';
import { groupArn, nameIn, type LogsDeps } from './log-groups.ts';
import { logsOperations } from './operations.ts';

/** CloudWatch Logs' API: groups with their retention, and what functions have written to them. No events are written through it. */
export function logsService(deps: LogsDeps & JsonServiceDeps): JsonService {
  const resourceOf = (input: Input): string => {
    const named = (input['logGroupName'] ?? input['logGroupIdentifier'] ?? input['resourceArn']) as string | undefined;
    return groupArn(named === undefined ? '*' : `${nameIn(named)}:*`, deps);
  };
  const model = modelIn('logs/logs.json');
  const operations = logsOperations(deps);
  return new JsonService(
    { service: 'logs', target: 'Logs_20140328', model, operations, invalid: 'InvalidParameterException', resourceOf },
    deps,
  );
}
