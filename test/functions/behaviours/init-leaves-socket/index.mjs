import { createServer } from 'node:net';

const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

export const handler = async (event) => event;
