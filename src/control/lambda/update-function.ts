import type { FunctionVersion } from '../../model/function-version.ts';
import type { FunctionSettings } from '../registry.ts';
import { takeCode } from './code.ts';
import { configurationOf } from './configuration.ts';
import { architectureOf } from './create-function.ts';
import { functionOf, text, type Operation } from './operation.ts';
import { settingsOf } from './settings.ts';

export const updateFunctionCode: Operation = async (call, deps) => {
  const { input } = call;
  const present = functionOf(call, deps);
  const code = await takeCode(call, deps);
  const changes = (of: FunctionVersion): Partial<FunctionSettings> => ({
    codeSha256: code.sha256,
    codeBytes: code.bytes,
    // Who sends back the very zip that was downloaded means the function as it is.
    dependencies: of.codeSha256 === code.sha256 ? of.dependencies : null,
    architecture: architectureOf(input) ?? of.architecture,
  });
  if (input['DryRun'] === true) return configurationOf({ ...present, ...changes(present) }, 'settled');
  const publish = input['Publish'] === true;
  const version = await deps.registry.update(present.name, changes, { expectedRevisionId: text(input, 'RevisionId'), publish });
  return publish ? configurationOf(version, 'created', { qualifier: version.version }) : configurationOf(version, 'updated');
};

export const updateFunctionConfiguration: Operation = async (call, deps) => {
  const { name } = functionOf(call, deps);
  // What the request leaves out stays as it is by then: others may change the function at the same time.
  const changes = (of: FunctionVersion): Partial<FunctionSettings> => settingsOf(call.input, deps, of);
  return configurationOf(await deps.registry.update(name, changes, { expectedRevisionId: text(call.input, 'RevisionId') }), 'updated');
};
