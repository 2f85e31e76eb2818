import { createReadStream } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { HearthError } from '../../errors.ts';
import type { OwnDeps } from './api.ts';

interface Version {
  Params: { name: string; version: string };
}

/** The zip of a layer's version: what `Content.Location` of Lambda's API points to. */
export function layerResource(app: FastifyInstance, deps: OwnDeps): void {
  app.get<Version>('/hearth/v1/layers/:name/versions/:version/content', async (request, reply) => {
    const { name, version } = request.params;
    const layer = deps.resources.get('layer-version', `${name}/${version}`);
    if (layer === null) throw new HearthError('ResourceNotFoundException', `There is no version ${version} of a layer ${name}.`);
    const path = await deps.artifacts.zipPath(layer.codeSha256);
    return reply
      .type('application/zip')
      .header('content-length', layer.codeBytes)
      .header('content-disposition', `attachment; filename="${layer.layer}.zip"`)
      .send(createReadStream(path));
  });
}
