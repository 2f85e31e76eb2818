import { HearthError } from '../../errors.ts';
import type { BusTarget } from '../../model/event-rule.ts';
import { isPath, templateFault } from '../../triggers/bus/target-input.ts';

const FUNCTION = /^arn:aws[\w-]*:lambda:[a-z0-9-]+:\d{12}:function:[\w-]{1,64}(:[\w$-]{1,129})?$/;
const QUEUE = /^arn:aws[\w-]*:sqs:[a-z0-9-]+:\d{12}:[\w-]{1,80}(\.fifo)?$/;

/** What this server can't give events to; null: it can. */
export function targetFault(arn: string): string | null {
  if (FUNCTION.test(arn) || QUEUE.test(arn)) return null;
  return `Hearth gives events to functions and queues: ${arn} is the ARN of neither.`;
}

/** What can't take what a target was not given; null: it can. As on AWS it is a standard queue. */
export function deadLetterFault(target: Pick<BusTarget, 'DeadLetterConfig'>): string | null {
  const arn = target.DeadLetterConfig?.Arn;
  if (arn === undefined || (QUEUE.test(arn) && !arn.endsWith('.fifo'))) return null;
  return `DeadLetterConfig.Arn must be the ARN of a standard queue, not ${arn}.`;
}

/** Refuses a target of a rule that can't be served. Throws ValidationException. */
export function checkTarget(target: BusTarget): void {
  const invalid = (what: string): HearthError => new HearthError('ValidationException', what);
  const fault = targetFault(target.Arn);
  if (fault !== null) throw invalid(`Parameter ${target.Arn} is not valid. Reason: ${fault}`);
  const dead = deadLetterFault(target);
  if (dead !== null) throw invalid(`Parameter ${target.DeadLetterConfig?.Arn} is not valid. Reason: ${dead}`);
  const inputs = [target.Input, target.InputPath, target.InputTransformer].filter((given) => given !== undefined);
  if (inputs.length > 1) throw invalid(`Only one of Input, InputPath, or InputTransformer must be provided for target ${target.Id}.`);
  if (target.Input !== undefined && !isJson(target.Input)) throw invalid(`JSON syntax error in input for target ${target.Id}.`);
  const paths = [target.InputPath ?? [], Object.values(target.InputTransformer?.InputPathsMap ?? {})].flat();
  const wrong = paths.find((path) => !isPath(path));
  if (wrong !== undefined)
    throw invalid(`Parameter InputPath is not valid for target ${target.Id}. Reason: ${wrong} must be a path such as $.detail.state`);
  const template = target.InputTransformer === undefined ? null : templateFault(target.InputTransformer, target.Id);
  if (template !== null) throw invalid(template);
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
