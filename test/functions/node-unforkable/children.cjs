'use strict';
require('node:child_process').spawn('sleep', ['20'], { stdio: 'ignore' });
exports.handler = async () => 'served';
