import type { LayerReference } from '../../model/function-version.ts';
import { invalid, type LambdaDeps } from './operation.ts';

const ARN = /^arn:[^:]+:lambda:([^:]+):(\d{12}):layer:([a-zA-Z0-9-_]+):(\d+)$/;
const MOST_LAYERS = 5;

/** The versions of layers that a function names. Throws InvalidParameterValueException in Lambda's words. */
export function layersOf(arns: readonly string[], deps: LambdaDeps): LayerReference[] {
  const { region } = deps.registry.scope;
  if (arns.length > MOST_LAYERS) throw invalid(`Cannot reference more than ${MOST_LAYERS} layers.`);
  const seen = new Map<string, string>();
  return arns.map((arn) => {
    const [, of, , name = '', version] = ARN.exec(arn) ?? [];
    if (of !== undefined && of !== region) {
      throw invalid(`Layers are not in the same region as the function. Layers are expected to be in region ${region}.`);
    }
    const layer = of === undefined ? null : deps.resources.get('layer-version', `${name}/${version}`);
    if (layer === null || !arn.includes(`:${deps.registry.scope.accountId}:`)) throw invalid(`Layer version ${arn} does not exist.`);
    const other = seen.get(name);
    if (other !== undefined) {
      throw invalid(
        `Two different versions of the same layer are not allowed to be referenced in the same function. ${other} and ${arn} are versions of the same layer.`,
      );
    }
    seen.set(name, arn);
    return { arn, codeSha256: layer.codeSha256, codeBytes: layer.codeBytes };
  });
}
