// What a lock held by nobody does to a child: it never gets as far as its greeting.
const fs = require('node:fs');
const own = fs.readlinkSync('/proc/self');
const { closeSync } = fs;
fs.closeSync = (fd) => {
  if (fs.readlinkSync('/proc/self') !== own) hang();
  return closeSync(fd);
};
function hang() {
  if (process.env.ONCE) {
    try {
      fs.mkdirSync('/tmp/hung'); // still the parent's /tmp
    } catch {
      fs.closeSync = closeSync;
      return;
    }
  }
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
exports.handler = async (event) => event;
