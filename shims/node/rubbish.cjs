'use strict';
const v8 = require('node:v8');
const vm = require('node:vm');
const native = require('./native.cjs');

/** V8's collector, which only contexts made under --expose-gc can name; the flag itself would show it to user code. */
function takeCollector() {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc');
  v8.setFlagsFromString('--no-expose-gc');
  return collect;
}

const collect = takeCollector();

/** Before the first fork: what is rubbish now would be copied by every child's collections. Twice: finalisers free more. */
function collectRubbish() {
  collect();
  collect();
  native.mallocTrim();
}

/** What the last call made and nobody holds; the pages of what is older stay as they are, shared. */
function collectYoung() {
  collect({ type: 'minor' });
}

module.exports = { collectRubbish, collectYoung };
