'use strict';
const { Worker } = require('node:worker_threads');
new Worker('setInterval(() => {}, 1000)', { eval: true });
exports.handler = async () => 'served';
