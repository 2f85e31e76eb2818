'use strict';
const v8 = require('node:v8');

/**
 * V8 compiles a function when it is first called: what an init phase only defines, every child would compile in its first call, the handler itself before all else. A zygote is
 * started with `--no-lazy`, under which all of a script is compiled when it is loaded, so that a snapshot holds it. Where nobody is forked from what an init phase loads, each
 * instance would pay for all that it never calls: from here on V8 waits for the call again.
 */
function compileOnCall() {
  v8.setFlagsFromString('--lazy');
}

module.exports = { compileOnCall };
