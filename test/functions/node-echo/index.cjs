'use strict';
const { randomUUID, randomBytes } = require('node:crypto');
let calls = 0;
exports.handler = async (event, context) => {
  console.log('call', ++calls);
  return {
    event,
    calls,
    pid: process.pid,
    random: Math.random(),
    uuid: randomUUID(),
    webUuid: crypto.randomUUID(),
    bytes: randomBytes(8).toString('hex'),
    values: Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex'),
    logStream: context.logStreamName,
    environment: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
  };
};
