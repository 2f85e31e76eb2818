import { configurationOf } from './configuration.ts';
import { stageOf } from './get-function.ts';
import { functionOf, invalid, text, type Operation } from './operation.ts';

export const publishVersion: Operation = async (call, deps) => {
  const { input } = call;
  const { name } = functionOf(call, deps);
  const sha256 = text(input, 'CodeSha256') ?? '';
  const version = await deps.registry.publish(name, {
    description: text(input, 'Description'),
    revisionId: text(input, 'RevisionId'),
    check(latest) {
      if (sha256 === '' || sha256 === latest.codeSha256) return;
      throw invalid(
        `CodeSHA256 (${sha256}) is different from current CodeSHA256 in $LATEST (${latest.codeSha256}). Please try again with the CodeSHA256 in $LATEST.`,
      );
    },
  });
  return configurationOf(version, stageOf(version, deps), { qualifier: version.version });
};
