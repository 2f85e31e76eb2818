const order = [];
const mode = process.env.MODE ?? '';
if (mode.includes('thread')) new (require('node:worker_threads').Worker)('setInterval(() => {}, 1000)', { eval: true }).unref();
SnapshotRestore.registerBeforeSnapshot((name) => order.push(name), 'before 1');
SnapshotRestore.registerBeforeSnapshot(async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (mode === 'before-throws') throw new RangeError('no snapshot of me');
  order.push('before 2');
});
SnapshotRestore.registerAfterRestore(async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (mode === 'after-throws') throw new RangeError('not restored');
  if (mode === 'after-exits') process.exit(4);
  if (mode === 'after-hangs') for (;;);
  order.push('after 1');
});
SnapshotRestore.registerAfterRestore(() => order.push('after 2'));
exports.handler = async (event) => {
  if (event.note) order.push(event.note);
  return order;
};
