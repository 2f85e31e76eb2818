import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { Authority } from '../../src/auth/authority.ts';
import { listedKeys } from '../../src/auth/keys.ts';
import { eventsService } from '../../src/control/events/service.ts';
import { SchedulerService } from '../../src/control/scheduler/service.ts';
import type { EndpointService } from '../../src/gateway/endpoint-service.ts';
import { VirtualClock } from '../../src/lib/virtual-clock.ts';
import { SqsService } from '../../src/queues/sqs/service.ts';

const clock = new VirtualClock(0);
const keys = listedKeys([]);
const authority = new Authority({ keys, statementsOf: () => null, clock, accountId: '0', required: false, unsignedData: true });

describe('a client that hangs up in the middle of its request', { timeout: 20_000 }, () => {
  const told: string[] = [];
  const deps = { authority, log: { error: (_fields: object, message: string) => told.push(message) } } as never;
  const services: Readonly<Record<string, EndpointService>> = {
    sqs: new SqsService(deps),
    events: eventsService(deps),
    scheduler: new SchedulerService(deps),
  };
  for (const [name, service] of Object.entries(services))
    it(`is no error of the server's: ${name}`, async () => {
      let served = Promise.resolve();
      const server = createServer((request, response) => void (served = service.serve(request, response, 'id')));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      socket.write('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf');
      await once(server, 'request');
      socket.destroy();
      await served;
      assert.deepEqual(told, []);
      server.close();
    });
});
