'use strict';
// Becomes another program: a custom runtime's bootstrap, in a process that was forked and confined like every function's.
const fs = require('node:fs');
const { getSystemErrorName } = require('node:util');
const native = require('./native.cjs');
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
    native.defaultSignal(SIGPIPE);
    const entries = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    native.check('exec', native.execvpe(argv[0], [...argv, null], [...entries, null]));
  } catch (error) {
    const code = error.code ?? (error.errno > 0 ? getSystemErrorName(-error.errno) : 'failed');
    link.send(Frame.initError, 0, { errorType: code, errorMessage: error.message, durationMs: 0 });
  }
  native._exit(EXIT_NOT_EXECUTED);
}

module.exports = { becomeProgram };
