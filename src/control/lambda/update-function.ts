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
  const changes = (of: { codeSha256: string; dependencies: string | null }): Partial<FunctionSettings> => ({
    codeSha256: code.sha256,
    codeBytes: code.bytes,
    // Who sends back the very zip that was downloaded means the function as it is.
    dependencies: of.codeSha256 === code.sha256 ? of.dependencies : null,
    architecture: architectureOf(input) ?? present.architecture,
  });
  if (input['DryRun'] === true) return configurationOf({ ...present, ...changes(present) }, 'settled');
  const version = await deps.registry.update(present.name, changes, text(input, 'RevisionId'));
  if (input['Publish'] !== true) return configurationOf(version, 'updated');
  const published = await deps.registry.publish(present.name);
  return configurationOf(published, 'created', { qualifier: published.version });
};

export const updateFunctionConfiguration: Operation = async (call, deps) => {
  const present = functionOf(call, deps);
  const settings = settingsOf(call.input, deps, present);
  return configurationOf(await deps.registry.update(present.name, () => settings, text(call.input, 'RevisionId')), 'updated');
};
