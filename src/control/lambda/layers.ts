import type { LayerVersion } from '../resources.ts';
import { takeCode } from './code.ts';
import type { Input } from './model/check.ts';
import { absent, text, type LambdaDeps, type Operation, type OperationCall, type Operations } from './operation.ts';
import { byVersion, pageOf } from './pages.ts';

const publishLayerVersion: Operation = async (call, deps) => {
  const { input } = call;
  const layer = nameOf(input);
  const code = await takeCode(
    { input: input['Content'] as Input, caller: call.caller },
    deps,
    'Please provide a source for the content of the layer.',
  );
  return deps.resources.inTurn(`layer ${layer}`, async () => {
    const version = (deps.resources.get('layer', layer)?.last ?? 0) + 1;
    const made: LayerVersion = {
      layer,
      version,
      description: text(input, 'Description') ?? '',
      codeSha256: code.sha256,
      codeBytes: code.bytes,
      runtimes: (input['CompatibleRuntimes'] as string[] | undefined) ?? null,
      architectures: (input['CompatibleArchitectures'] as string[] | undefined) ?? null,
      licence: text(input, 'LicenseInfo'),
      createdAtMs: deps.clock.now(),
    };
    // The number is used up first: a version is never made twice under one.
    await deps.resources.put('layer', layer, { last: version }, null);
    await deps.resources.put('layer-version', `${layer}/${version}`, made, null);
    return whole(made, call, deps);
  });
};

const getLayerVersion: Operation = (call, deps) => whole(versionOf(nameOf(call.input), numberOf(call.input), deps), call, deps);

const getLayerVersionByArn: Operation = (call, deps) => {
  const [, of = '', name = '', number = '0'] = /^arn:[^:]*:lambda:([^:]*:[^:]*):layer:([^:]+):(\d+)$/.exec(String(call.input['Arn'])) ?? [];
  const { region, accountId } = deps.registry.scope;
  if (of !== `${region}:${accountId}`) throw absent(); // of others there are none here
  return whole(versionOf(name, Number(number), deps), call, deps);
};

/** As on Lambda, one that is not there is none the less deleted, and functions that have it keep it. */
const deleteLayerVersion: Operation = async ({ input }, deps) => {
  const key = `${nameOf(input)}/${numberOf(input)}`;
  await deps.resources.remove('layer-policy', key);
  await deps.resources.remove('layer-version', key);
  return null;
};

const listLayerVersions: Operation = (call, deps) => {
  const versions = versionsOf(nameOf(call.input), call.input, deps);
  const { items, next } = pageOf(
    versions,
    call.input,
    (v) => String(v.version),
    (a, b) => byVersion(b, a),
  );
  return { LayerVersions: items.map((v) => listed(v, deps)), ...next };
};

const listLayers: Operation = (call, deps) => {
  const names = [...new Set(deps.resources.list('layer-version').map((v) => v.document.layer))].sort();
  const layers = names.flatMap((name) => versionsOf(name, call.input, deps).slice(0, 1));
  const { items, next } = pageOf(layers, call.input, (v) => v.layer);
  const shown = items.map((v) => ({ LayerName: v.layer, LayerArn: layerArn(v.layer, deps), LatestMatchingVersion: listed(v, deps) }));
  return { Layers: shown, ...next };
};

export const LAYERS: Operations = {
  PublishLayerVersion: publishLayerVersion,
  GetLayerVersion: getLayerVersion,
  GetLayerVersionByArn: getLayerVersionByArn,
  DeleteLayerVersion: deleteLayerVersion,
  ListLayerVersions: listLayerVersions,
  ListLayers: listLayers,
};

/** The plain name of a layer that is named by name or ARN. */
export function nameOf(input: Input): string {
  return String(input['LayerName']).split(':').at(-1) ?? '';
}

export function numberOf(input: Input): number {
  return input['VersionNumber'] as number;
}

export function layerArn(name: string, deps: LambdaDeps): string {
  const { region, accountId } = deps.registry.scope;
  return `arn:aws:lambda:${region}:${accountId}:layer:${name}`;
}

function versionOf(name: string, version: number, deps: LambdaDeps): LayerVersion {
  const found = deps.resources.get('layer-version', `${name}/${version}`);
  if (found === null) throw absent();
  return found;
}

/** The versions of a layer that suit what the request asks for, newest first. */
function versionsOf(name: string, input: Input, deps: LambdaDeps): LayerVersion[] {
  const [runtime, architecture] = [text(input, 'CompatibleRuntime'), text(input, 'CompatibleArchitecture')];
  const all = deps.resources.list('layer-version', `${name}/`).map((v) => v.document);
  const suit = all.filter(
    (v) =>
      (runtime === null || v.runtimes?.includes(runtime) === true) &&
      (architecture === null || v.architectures === null || v.architectures.includes(architecture)),
  );
  return suit.sort((a, b) => b.version - a.version);
}

function listed(v: LayerVersion, deps: LambdaDeps): Record<string, unknown> {
  return {
    LayerVersionArn: `${layerArn(v.layer, deps)}:${v.version}`,
    Version: v.version,
    Description: v.description,
    CreatedDate: new Date(v.createdAtMs).toISOString().replace('Z', '+0000'),
    CompatibleRuntimes: v.runtimes,
    LicenseInfo: v.licence,
    CompatibleArchitectures: v.architectures,
  };
}

function whole(v: LayerVersion, call: OperationCall, deps: LambdaDeps): Record<string, unknown> {
  const location = `${call.endpoint}/hearth/v1/layers/${v.layer}/versions/${v.version}/content`;
  return {
    Content: { Location: deps.keys.presigned(location), CodeSha256: v.codeSha256, CodeSize: v.codeBytes },
    LayerArn: layerArn(v.layer, deps),
    ...listed(v, deps),
  };
}
