import { listedConfigurationOf } from './configuration.ts';
import { referenceOf, type Operation } from './operation.ts';
import { byNameAndVersion, byVersion, pageOf } from './pages.ts';

export const listFunctions: Operation = ({ input }, deps) => {
  const all = input['FunctionVersion'] === 'ALL';
  const listed = deps.registry.list();
  const versions = all ? listed.flatMap((f) => deps.registry.versions(f.name)) : listed;
  const { items, next } = pageOf(versions, input, (v) => `${v.name}:${v.version}`, byNameAndVersion);
  return { Functions: items.map((v) => listedConfigurationOf(v, { qualifier: all ? v.version : null })), ...next };
};

export const listVersionsByFunction: Operation = (call, deps) => {
  const { name } = deps.registry.require(referenceOf(call, deps));
  const { items, next } = pageOf(deps.registry.versions(name), call.input, (v) => v.version, byVersion);
  return { Versions: items.map((v) => listedConfigurationOf(v, { qualifier: v.version })), ...next };
};
