import { referenceOf, type Operation } from './operation.ts';

export const getAccountSettings: Operation = {
  name: 'GetAccountSettings',
  method: 'GET',
  path: '/2016-08-19/account-settings',
  status: 200,
  run(_call, deps) {
    const functions = deps.registry.list();
    const reserved = functions.reduce((sum, f) => sum + (f.scaling.max ?? 0), 0);
    return {
      AccountLimit: {
        TotalCodeSize: 80_530_636_800,
        CodeSizeUnzipped: 262_144_000,
        CodeSizeZipped: 52_428_800,
        ConcurrentExecutions: deps.instances,
        UnreservedConcurrentExecutions: Math.max(0, deps.instances - reserved),
      },
      AccountUsage: { TotalCodeSize: functions.reduce((sum, f) => sum + f.codeBytes, 0), FunctionCount: functions.length },
    };
  },
};

/** Tools ask for it after every read; no function here has one. */
export const getFunctionCodeSigningConfig: Operation = {
  name: 'GetFunctionCodeSigningConfig',
  method: 'GET',
  path: '/2020-06-30/functions/:FunctionName/code-signing-config',
  status: 200,
  run: (call, deps) => ({ FunctionName: deps.registry.require(referenceOf(call, deps)).name }),
};
