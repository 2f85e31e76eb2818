'use strict';
const fs = require('node:fs');
let ticks = 0;
const file = process.env.TICKS;
setInterval(() => {
  ticks++;
  fs.appendFileSync(file, `${process.pid}\n`);
}, 10);
exports.handler = async (event) => {
  const before = { ticks, now: Date.now() };
  await new Promise((resolve) => setTimeout(resolve, event.ms));
  return { ticks: ticks - before.ticks, tookMs: Date.now() - before.now };
};
