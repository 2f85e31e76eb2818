import { refuse } from '../function-name.ts';
import { HearthError } from '../../errors.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import { listedConfigurationOf } from './configuration.ts';
import { referenceOf, type Operation } from './operation.ts';
import { faultsOf } from './shapes.ts';

/** As on Lambda, whatever MaxItems says. */
const LONGEST_PAGE = 50;

export const listFunctions: Operation = {
  name: 'ListFunctions',
  method: 'GET',
  path: '/2015-03-31/functions',
  status: 200,
  run({ query }, deps) {
    const all = query.get('FunctionVersion') === 'ALL';
    const { page, next } = pageOf(deps.registry.list(), query);
    return { Functions: page.map((v) => listedConfigurationOf(v, all)), ...next };
  },
};

export const listVersionsByFunction: Operation = {
  name: 'ListVersionsByFunction',
  method: 'GET',
  path: '/2015-03-31/functions/:FunctionName/versions',
  status: 200,
  run(call, deps) {
    const { page, next } = pageOf([deps.registry.require(referenceOf(call, deps))], call.query);
    return { Versions: page.map((v) => listedConfigurationOf(v, true)), ...next };
  },
};

/** One page of a list that is in the order of names; the marker is the name it begins after. */
function pageOf(versions: readonly FunctionVersion[], query: URLSearchParams): { page: FunctionVersion[]; next: { NextMarker?: string } } {
  const asked = query.get('MaxItems');
  const size = asked === null ? LONGEST_PAGE : Number(asked);
  refuse(faultsOf({ type: 'integer', min: 1, max: 10_000 }, size, 'maxItems'));
  const marker = query.get('Marker');
  const rest = marker === null || marker === '' ? versions : versions.filter((v) => v.name > nameIn(marker));
  const page = rest.slice(0, Math.min(size, LONGEST_PAGE));
  const last = page.at(-1);
  const next = last === undefined || page.length === rest.length ? {} : { NextMarker: Buffer.from(last.name).toString('base64url') };
  return { page, next };
}

function nameIn(marker: string): string {
  const name = Buffer.from(marker, 'base64url').toString('utf8');
  if (!/^[a-zA-Z0-9-_]+$/.test(name))
    throw new HearthError('InvalidParameterValueException', 'Invalid value for Marker: use the NextMarker of the page before.');
  return name;
}
