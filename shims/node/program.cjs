'use strict';
// Becomes another program: a custom runtime's bootstrap, in a process that was forked and confined like every function's; or the shim once more.
const fs = require('node:fs');
const path = require('node:path');
const { getSystemErrorName } = require('node:util');
const native = require('./native.cjs');
const { confine } = require('./confine.cjs');
const { connect } = require('./link.cjs');
const { Frame } = require('./frames.cjs');

const EXIT_NOT_EXECUTED = 127; // a shell's own
const SIGPIPE = 13; // ignored by Node.js, which exec would pass on

/** Does not return. The connection closes when the program runs; what keeps it from running is said before, as InitError. */
function becomeProgram(link, { argv, env, cwd, output }) {
  try {
    process.chdir(cwd);
    for (const fd of [1, 2]) {
      const socket = connect(output);
      native.check('dup2', native.dup2(socket, fd));
      fs.closeSync(socket);
    }
    execute(argv, env);
  } catch (error) {
    const code = error.code ?? (error.errno > 0 ? getSystemErrorName(-error.errno) : 'failed');
    link.send(Frame.initError, 0, { errorType: code, errorMessage: error.message, durationMs: 0 });
  }
  native._exit(EXIT_NOT_EXECUTED);
}

/** execve(2). Throws when it can't be. */
function execute(argv, env) {
  native.defaultSignal(SIGPIPE);
  const entries = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  native.check('exec', native.execvpe(argv[0], [...argv, null], [...entries, null]));
}

/**
 * Takes the steps of a process that was not forked, and begins anew: the threads that Node.js has from its start would keep what the steps take away, and
 * execve(2) ends them. Its output is connected by then. Does not return; throws when a step fails that must not.
 */
function beginConfined(steps, env) {
  const unconfined = confine(steps);
  execute([process.execPath, ...process.execArgv, path.join(__dirname, 'main.cjs')], {
    ...env,
    HEARTH_UNCONFINED: JSON.stringify(unconfined),
  });
}

module.exports = { becomeProgram, beginConfined };
