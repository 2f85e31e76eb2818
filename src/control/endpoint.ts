import type { FastifyRequest } from 'fastify';

/** This server's address as the caller knows it; the gateway has checked the Host header by now. */
export function endpointOf(request: FastifyRequest): string {
  return `${request.protocol}://${request.host}`;
}
