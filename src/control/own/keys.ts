import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { parseStatements } from '../../auth/statements.ts';
import { HearthError } from '../../errors.ts';
import { explain } from '../../model/manifest-errors.ts';
import type { OwnDeps } from './api.ts';

const body = z.strictObject({ name: z.string().max(100).default(''), statements: z.unknown().optional() });

/** Keys: make, list, revoke. */
export function keyResources(app: FastifyInstance, deps: OwnDeps): void {
  app.get('/hearth/v1/keys', () => ({ keys: deps.keys.list() }));

  app.post('/hearth/v1/keys', async (request, reply) => {
    const { name, statements } = explain(body, request.body ?? {});
    return reply.code(201).send(await deps.keys.create(name, statements === undefined ? null : parseStatements(statements)));
  });

  app.delete<{ Params: { id: string } }>('/hearth/v1/keys/:id', async (request, reply) => {
    const { id } = request.params;
    if (!(await deps.keys.revoke(id)))
      throw new HearthError('ResourceNotFoundException', `There is no key ${id}: 'hearth keys list' shows those there are.`);
    return reply.send({ revoked: id });
  });
}
