import crypto from 'node:crypto';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';

// All of these have been used during init: what they keep for next time is what a fork would copy.
Math.random();
randomUUID();
crypto.webcrypto.randomUUID();
crypto.randomBytes(8);
crypto.getRandomValues(new Uint8Array(8));

crypto.randomInt(5);
/** As libraries do that make ids: they draw for many at once. */
const pools = { fill: Buffer.allocUnsafe(512), web: new Uint8Array(256) };
crypto.randomFillSync(pools.fill);
crypto.webcrypto.getRandomValues(pools.web);
const ofProcess = crypto.randomBytes(5);
let drawn = 0;
const draw = (pool) => Buffer.from(pool.subarray((drawn += 12), drawn + 12)).toString('hex');
draw(pools.fill);

export const handler = async () => ({
  random: Math.random(),
  uuid: randomUUID(),
  webUuid: globalThis.crypto.randomUUID(),
  bytes: crypto.randomBytes(12).toString('hex'),
  int: crypto.randomInt(2 ** 47),
  values: Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(12))).toString('hex'),
  ofProcess: ofProcess.toString('hex'),
  filled: draw(pools.fill),
  webFilled: draw(pools.web),
  key: crypto.generateKeySync('aes', { length: 128 }).export().toString('hex'),
  temporary: fs.mkdtempSync(`${os.tmpdir()}/x-`),
  pid: String(process.pid),
  logStream: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
  hostname: os.hostname(),
});
