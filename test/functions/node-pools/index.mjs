// What everybody does during init: ask for something over the network, through pools that keep the connection.
import http from 'node:http';

const server = http.createServer((request, response) => response.end('configured'));
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const agent = new http.Agent({ keepAlive: true });
const viaAgent = await new Promise((resolve, reject) =>
  http.get(url, { agent }, (response) => response.setEncoding('utf8').on('data', resolve)).on('error', reject),
);
const viaFetch = await (await fetch(url)).text();
await new Promise((resolve) => setImmediate(resolve));
server.close();

export const handler = async () => ({ viaAgent, viaFetch, agents: Object.keys(agent.freeSockets).length });
