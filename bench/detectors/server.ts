// One always-on server with the model in it, as functions-framework and LitServe are: `server.js HANDLER`. Says its port when it listens.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { HOST } from '../load/plan.ts';

type Handler = (event: unknown) => Promise<unknown>;

process.once('disconnect', () => process.exit());
const { handler } = (await import(pathToFileURL(process.argv[2] as string).href)) as { handler: Handler };
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    void handler(JSON.parse(Buffer.concat(chunks).toString())).then((answer) => response.end(JSON.stringify(answer)));
  });
});
server.listen(0, HOST, () => process.send?.({ port: (server.address() as AddressInfo).port }));
