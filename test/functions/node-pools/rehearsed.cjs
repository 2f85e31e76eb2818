'use strict';
let calls = 0;
exports.handler = async (event) => {
  if (event.spawn) require('node:child_process').spawn('sleep', ['20'], { stdio: 'ignore' });
  if (event.fail) throw new Error('in rehearsal');
  return { calls: ++calls, big: 'x'.repeat(event.bytes ?? 0).length };
};
