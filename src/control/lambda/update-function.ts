import type { FunctionSettings } from '../registry.ts';
import { takeCode } from './code.ts';
import { configurationOf } from './configuration.ts';
import { architectureOf } from './create-function.ts';
import { UPDATE_FUNCTION_CODE, UPDATE_FUNCTION_CONFIGURATION } from './function-shapes.ts';
import { checkBody, referenceOf, type Operation } from './operation.ts';
import { settingsOf } from './settings.ts';
import type { Input } from './shapes.ts';

export const updateFunctionCode: Operation = {
  name: 'UpdateFunctionCode',
  method: 'PUT',
  path: '/2015-03-31/functions/:FunctionName/code',
  status: 200,
  async run(call, deps) {
    checkBody(UPDATE_FUNCTION_CODE, call.body);
    const present = deps.registry.require({ ...referenceOf(call, deps), qualifier: null });
    settingsOf({ Publish: call.body['Publish'] });
    const code = await takeCode(call.body, deps.artifacts);
    const changes = (of: { codeSha256: string; dependencies: string | null }): Partial<FunctionSettings> => ({
      codeSha256: code.sha256,
      codeBytes: code.bytes,
      // Who sends back the very zip that was downloaded means the function as it is.
      dependencies: of.codeSha256 === code.sha256 ? of.dependencies : null,
      architecture: architectureOf(call.body) ?? present.architecture,
    });
    if (call.body['DryRun'] === true) return configurationOf({ ...present, ...changes(present) }, 'settled');
    return configurationOf(await deps.registry.update(present.name, changes, expectedRevision(call.body)), 'updated');
  },
};

export const updateFunctionConfiguration: Operation = {
  name: 'UpdateFunctionConfiguration',
  method: 'PUT',
  path: '/2015-03-31/functions/:FunctionName/configuration',
  status: 200,
  async run(call, deps) {
    checkBody(UPDATE_FUNCTION_CONFIGURATION, call.body);
    const { name } = deps.registry.require({ ...referenceOf(call, deps), qualifier: null });
    const settings = settingsOf(call.body);
    return configurationOf(await deps.registry.update(name, () => settings, expectedRevision(call.body)), 'updated');
  },
};

function expectedRevision(body: Input): string | null {
  return (body['RevisionId'] as string | null | undefined) ?? null;
}
