import { functionArn } from '../../model/function-version.ts';
import type { Input } from './model/check.ts';
import { text, type LambdaDeps } from './operation.ts';

/** The ARN of what an operation is on, for statements to allow; `*` where it is on no one thing. Names only: whether it is there is nobody's business yet. */
export function resourceOf(input: Input, { registry }: Pick<LambdaDeps, 'registry'>): string {
  const { scope } = registry;
  const named = text(input, 'FunctionName');
  if (named !== null) {
    const plain = named.replace(/^(arn:[^:]+:lambda:)?([a-z-]+-\d:)?(\d{12}:)?(function:)?/, '');
    const [name = '', own] = plain.split(':');
    const qualifier = own ?? text(input, 'Qualifier');
    const arn = functionArn({ ...scope, name });
    return qualifier === null ? arn : `${arn}:${qualifier}`;
  }
  const layer = text(input, 'LayerName');
  if (layer !== null) return `arn:aws:lambda:${scope.region}:${scope.accountId}:layer:${layer.split(':').at(-1)}`;
  return text(input, 'Resource') ?? text(input, 'CodeSigningConfigArn') ?? '*';
}
