// Jobs through a queue in PostgreSQL, run by a no-op in this process: `queue.mjs PLAN`. Prints one JSON object.
const plan = JSON.parse(process.argv[2]);
const { host, port, user, password, database } = plan.connection;
const connectionString = `postgresql://${user}:${encodeURIComponent(password)}@/${database}?host=${encodeURIComponent(host)}&port=${port}`;

const startedMs = new Map();
let done = 0;
let wake = () => {};
const run = (n) => {
  startedMs.set(n, performance.now());
  done++;
  wake();
};

const queue = await { 'pg-boss': pgBoss, 'graphile-worker': graphileWorker }[plan.queue]();
const sentMs = new Map();
for (let n = 0; n < plan.sparse; n++) {
  sentMs.set(n, performance.now());
  await queue.send(n);
  await new Promise((resolve) => setTimeout(resolve, plan.pauseMs));
}
await finished(plan.sparse);
const waits = [...sentMs].map(([n, at]) => startedMs.get(n) - at);
const from = performance.now();
let next = plan.sparse;
const total = plan.sparse + plan.many;
await Promise.all(
  Array.from({ length: plan.senders }, async () => {
    while (next < total) await queue.send(next++);
  }),
);
await finished(total);
const perSecond = plan.many / ((performance.now() - from) / 1000);
await queue.stop();
process.stdout.write(JSON.stringify({ waits, perSecond }), () => process.exit(0));

async function finished(count) {
  while (done < count) await new Promise((resolve) => (wake = resolve));
}

async function pgBoss() {
  const { PgBoss } = await import('pg-boss');
  const boss = new PgBoss({ connectionString, useListenNotify: true });
  boss.on('error', (error) => process.stderr.write(`${error.message}\n`));
  await boss.start();
  await boss.createQueue('bench', { notify: true });
  // Woken by NOTIFY, in batches, and at once for more while they are full.
  await boss.work('bench', { pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 0.5, batchSize: 100, burstWhenBatchFull: true }, async (jobs) => {
    for (const job of jobs) run(job.data.n);
  });
  return { send: (n) => boss.send('bench', { n }), stop: () => boss.stop({ graceful: false }) };
}

async function graphileWorker() {
  const worker = await import('graphile-worker');
  const { Logger, run: start } = worker.default ?? worker;
  const logger = new Logger(() => () => {});
  const runner = await start({ connectionString, concurrency: 32, logger, noHandleSignals: true, taskList: { bench: async (payload) => run(payload.n) } });
  return { send: (n) => runner.addJob('bench', { n }), stop: () => runner.stop() };
}
