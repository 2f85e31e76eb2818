import { createReadStream } from 'node:fs';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { HearthError } from '../../errors.ts';
import type { FunctionVersion } from '../../model/function-version.ts';
import { explain } from '../../model/manifest-errors.ts';
import { parseFunctionManifest } from '../../model/manifest.ts';
import { endpointOf } from '../endpoint.ts';
import { checkEnvironment } from '../environment.ts';
import { asHearthError } from '../faults.ts';
import { functionUrl } from '../function-url.ts';
import { checkedName, functionNamed, type OwnDeps } from './api.ts';
import { deploy, type DeployRequest } from './deployment.ts';
import type { LineStream } from './ndjson.ts';
import type { FunctionSummary } from './platform.ts';

interface Named {
  Params: { name: string };
}

/** What PostgreSQL keeps of a text. */
const kept = (most: number) =>
  z
    .string()
    .max(most)
    // eslint-disable-next-line no-control-regex -- the character meant
    .regex(/^(?!.*[\u0000\p{Surrogate}])/su, { error: 'has the character NUL, or half of a surrogate pair' });

const deployBody = z.strictObject({
  source: z.string(),
  manifest: z.unknown(),
  from: z.strictObject({ host: kept(255), file: kept(4096) }).optional(),
  initBudgetMs: z.number().positive().finite().optional(),
});

/** Functions: list, deploy, remove, and the code of one. */
export function functionResources(app: FastifyInstance, deps: OwnDeps): void {
  app.get('/hearth/v1/functions', (request) => ({
    functions: deps.registry.list().map((version) => summaryOf(version, endpointOf(request), deps)),
  }));

  app.put<Named>('/hearth/v1/functions/:name', async (request, reply) => {
    const { source, manifest, from = null, initBudgetMs = null } = explain(deployBody, request.body);
    const name = checkedName(request.params.name);
    const wanted = { name, manifest: parseFunctionManifest(manifest), from, initBudgetMs, endpoint: endpointOf(request) };
    checkEnvironment(wanted.manifest.environment);
    deps.triggers.check(wanted.manifest.triggers);
    if (!deps.sources.has(source)) await deps.sources.read(source); // throws
    const lines = deps.lines.open();
    lines.answer(reply);
    await deployAndTell(source, wanted, lines, deps);
    return reply;
  });

  app.delete<Named>('/hearth/v1/functions/:name', async (request, reply) => {
    const { name } = functionNamed(deps, request.params.name);
    await deps.deployments.take(name, async () => {
      await deps.registry.remove(name);
      deps.deployments.forget(name);
    });
    return reply.code(204).send();
  });

  app.get<Named>('/hearth/v1/functions/:name/code', async (request, reply) => {
    const { version: number } = request.query as { version?: string };
    const { name } = functionNamed(deps, request.params.name);
    const version = deps.registry.require({ name, qualifier: number ?? null });
    const path = await deps.artifacts.zipPath(version.codeSha256);
    return reply
      .type('application/zip')
      .header('content-length', version.codeBytes)
      .header('content-disposition', `attachment; filename="${version.name}.zip"`)
      .send(createReadStream(path));
  });
}

/** Never rejects: what goes wrong is the last line. */
async function deployAndTell(
  source: string,
  wanted: Omit<DeployRequest, 'source' | 'progress'>,
  lines: LineStream,
  deps: OwnDeps,
): Promise<void> {
  try {
    const bytes = await deps.sources.read(source);
    const progress = (step: unknown): void => lines.write({ progress: step });
    lines.write({ deployed: await deploy({ ...wanted, source: bytes, progress }, deps) });
  } catch (error) {
    const known = asHearthError(error, '');
    if (known.fault === 'platform') deps.report(error, `deploy ${wanted.name}`);
    lines.write({ error: { errorType: known.code, message: known.message, ...known.details } });
  } finally {
    await deps.sources.release(source).catch((error: unknown) => deps.report(error, `deploy ${wanted.name}`));
    lines.end();
  }
}

function summaryOf(version: FunctionVersion, endpoint: string, deps: OwnDeps): FunctionSummary {
  const { name, revisionId, runtime, handler, memoryMb, timeoutMs, modifiedAtMs, codeBytes, scaling, snapshot } = version;
  const own = {
    name,
    version: version.version,
    revisionId,
    runtime,
    handler,
    memoryMb,
    timeoutMs,
    modifiedAtMs,
    codeBytes,
    scaling,
    snapshot,
  };
  return { ...own, url: functionUrl(version, endpoint), ...deps.platform.occupancy(version) };
}

/** The zip of a source, streamed to disk. */
export function sourceResource(app: FastifyInstance, deps: OwnDeps): void {
  app.post('/hearth/v1/sources', async (request: FastifyRequest, reply) => {
    const body = request.body as NodeJS.ReadableStream | Buffer | undefined;
    if (body === undefined || !('pipe' in body)) {
      throw new HearthError('UnsupportedMediaTypeException', 'Send the zip as it is, with content-type application/zip.');
    }
    const added = await deps.sources.add(request.raw);
    const signedDigest = request.headers['x-amz-content-sha256'];
    if (deps.authority.required && signedDigest !== 'UNSIGNED-PAYLOAD' && signedDigest !== added.source) {
      await deps.sources.release(added.source);
      throw new HearthError('InvalidSignatureException', 'The payload is not the one that was signed.');
    }
    return reply.code(201).send(added);
  });
}
