'use strict';
const native = require('./native.cjs');
const { prepareForks } = require('./fork.cjs');
const { Frame, PROTOCOL_VERSION } = require('./frames.cjs');

// Asked once: the flags are gone from process.execArgv when user code runs.
const capabilities = prepareForks() ? ['fork', 'concurrency'] : ['concurrency'];

/** Says hello on the link. */
function sayHello({ link, token, unconfined, born = null }) {
  const hello = {
    protocol: PROTOCOL_VERSION,
    token,
    pid: native.getpid(),
    runtime: `node/${process.versions.node}`,
    capabilities,
    unconfined,
    born,
  };
  link.send(Frame.hello, 0, hello);
}

/** The host's welcome. Throws when it speaks another version. */
function welcomeOf(payload) {
  const welcome = JSON.parse(payload.toString());
  if (welcome.protocol !== PROTOCOL_VERSION) throw new Error(`the host speaks protocol ${welcome.protocol}, this shim ${PROTOCOL_VERSION}`);
  return welcome;
}

/** Says hello and waits for the welcome. Throws when the host closes or speaks another version. */
function greet(self) {
  sayHello(self);
  const { link } = self;
  const frame = link.receive();
  if (frame === null) throw new Error('the host closed the connection instead of a welcome');
  if (frame.type !== Frame.welcome) throw new Error(`frame of type ${frame.type} instead of a welcome`);
  return welcomeOf(frame.payload);
}

module.exports = { greet, sayHello, welcomeOf, capabilities };
