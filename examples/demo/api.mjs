/** The few requests the demo makes. Plain node:http over kept connections, so that the client costs as little as it can. */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { signature } from './signature.mjs';

const THROTTLED = 429;
const PATIENCE_MS = 20_000;

export class Api {
  #agent = new Agent({ keepAlive: true });
  #endpoint;
  #key;

  /** `key`: the server's own, from `hearth keys env --json`; every request is signed with it. */
  constructor(endpoint, key) {
    this.#endpoint = endpoint;
    this.#key = key;
  }

  get(path) {
    return this.#json('GET', path);
  }

  post(path, body) {
    return this.#json('POST', path, JSON.stringify(body));
  }

  /** Removes a function; one that is not there is fine. */
  async remove(name) {
    const { status, body } = await this.#send('DELETE', `/hearth/v1/functions/${name}`);
    if (status >= 300 && status !== 404) throw new Error(`cannot remove ${name}: ${body}`);
  }

  /** Calls a function, again a little later when the machine is full, as AWS's SDKs do. Milliseconds are the caller's. */
  async invoke(name, payload) {
    const startedAt = performance.now();
    for (let pauseMs = 50; ; pauseMs = Math.min(2 * pauseMs, 1_000)) {
      const { status, headers, body } = await this.#send('POST', `/2015-03-31/functions/${name}/invocations`, payload);
      const ms = performance.now() - startedAt;
      if (status === THROTTLED && ms < PATIENCE_MS) {
        await sleep(pauseMs * (0.5 + Math.random()));
        continue;
      }
      if (status !== 200 || headers['x-amz-function-error']) throw new Error(`${name} answered ${status}: ${body.slice(0, 500)}`);
      const answer = JSON.parse(body);
      if (answer.statusCode !== 200) throw new Error(`${name} answered ${answer.statusCode}: ${JSON.stringify(answer.body)}`);
      return { ms, rung: headers['x-hearth-cold-rung'] ?? null, startMs: Number(headers['x-hearth-cold-ms'] ?? 0), answer: answer.body };
    }
  }

  close() {
    this.#agent.destroy();
  }

  async #json(method, path, body) {
    const answer = await this.#send(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body);
  }

  #send(method, path, body) {
    const url = new URL(path, this.#endpoint);
    const content = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const headers = { ...content, ...signature({ method, url, body }, this.#key) };
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, agent: this.#agent, headers }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() }),
        );
      });
      sent.on('error', reject).end(body);
    });
  }
}
