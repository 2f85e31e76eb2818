'use strict';
// Leaves files in /tmp during init, as a function does that fetches its model there; then reads and changes them.
const fs = require('node:fs');

fs.mkdirSync('/tmp/model/part', { recursive: true });
fs.writeFileSync('/tmp/model/part/weights', 'weights');
fs.writeFileSync('/tmp/settings', 'settings');
const diary = fs.openSync('/tmp/diary', 'a+');
fs.writeSync(diary, 'init');
fs.symlinkSync('settings', '/tmp/link');

function read(name) {
  try {
    return fs.readFileSync(`/tmp/${name}`, 'utf8');
  } catch (error) {
    return error.code;
  }
}

exports.handler = async (event) => {
  const names = fs.readdirSync('/tmp').toSorted();
  const seen = { names, mode: `0o${(fs.statSync('/tmp').mode & 0o7777).toString(8)}` };
  for (const name of ['model/part/weights', 'settings', 'link', 'diary']) seen[name] = read(name);
  if (event.change) {
    fs.appendFileSync('/tmp/settings', ' changed');
    fs.writeSync(diary, ' changed');
    fs.rmSync('/tmp/model', { recursive: true });
    fs.writeFileSync('/tmp/own', 'own');
  }
  return seen;
};
