// Talks over the network during init, and again in the handler, by the same client. CLIENT says which, MODE what becomes of the connection.
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { CLIENT, MODE, URL: url } = process.env;

const clients = {
  pg() {
    const { Pool } = require('pg');
    const settings = { connectionString: url, max: 2 };
    let pool = new Pool(settings);
    SnapshotRestore.registerBeforeSnapshot(async () => {
      if (MODE === 'hooks') await pool.end();
    });
    SnapshotRestore.registerAfterRestore(() => {
      if (MODE === 'hooks') pool = new Pool(settings);
    });
    return async () => (await pool.query('select pg_backend_pid() as id')).rows[0].id;
  },
  agent() {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    return () =>
      new Promise((resolve, reject) =>
        http.get(url, { agent }, (response) => response.setEncoding('utf8').on('data', (text) => resolve(Number(text)))).on('error', reject),
      );
  },
  fetch: () => async () => Number(await (await fetch(url)).text()),
};

const ask = clients[CLIENT]();
const first = await ask();
export const handler = async () => ({ first, now: [await ask(), await ask()] });
