#!/usr/bin/env node
// `npm run demo [-- --json] [-- --keep]`: deploys a detector and shows what becomes of it. Everything goes through the command
// line and HTTP, as it would for anyone. State is kept in .hearth-demo, so that a second run installs nothing.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Api } from '../examples/demo/api.mjs';
import { coloursFor, drawToFile, drawToText, findSharp } from '../examples/demo/draw.mjs';
import { hearth } from '../examples/demo/hearth.mjs';
import { bill, burst, coldCall, evict, scaleToZero, warmCalls } from '../examples/demo/steps.mjs';
import { bold, dim, fact, heading, liveLine, columns, ms, rgb, say, trueColours } from '../examples/demo/terminal.mjs';
import { prepareModel } from '../examples/detect/convert.mjs';
import { lock } from './setup-lock.mjs';
import { ensure } from './setup.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HOME = join(ROOT, '.hearth-demo', 'home');
const PICTURE = join(ROOT, 'examples', 'pictures', 'coffee.png');
const DRAWN = join(ROOT, '.hearth-demo', 'detections.png');
const MANIFEST = join(ROOT, 'examples', 'demo', 'hearth.yaml');
const WARM_CALLS = 10;
const CALLS_AT_ONCE = 50;
const THUMBNAIL_COLUMNS = 60;

/** Deploys the function anew: it is removed first, so that what follows is the life of one that did not exist. */
async function deploy(api, endpoint) {
  await api.remove('detect');
  const startedAt = performance.now();
  const { functions } = await hearth(['deploy', '--file', MANIFEST, '--endpoint', endpoint], { home: HOME });
  const { init } = functions[0].deployed;
  fact(
    'deployed',
    `${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
    'bundled, dependencies installed, init phase run, snapshot kept',
  );
  if (init?.unforkable) say(`  ${dim(`starts the plain way: ${init.unforkable}`)}`);
}

async function showDetections(answer) {
  heading('What it saw');
  const sharp = findSharp(HOME);
  const drawn = await drawToFile({ sharp, picture: readFileSync(PICTURE), answer, path: DRAWN });
  if (sharp && trueColours) say((await drawToText(sharp, drawn, Math.min(THUMBNAIL_COLUMNS, columns() - 2))).replace(/^/gm, '  '));
  const colour = coloursFor(answer.objects);
  for (const object of answer.objects) {
    const [x1, y1, x2, y2] = object.box.map(Math.round);
    say(
      `  ${rgb(colour(object))('■')} ${object.class.padEnd(16)} ${`${Math.round(object.score * 100)} %`.padStart(5)}   ${dim(`${x1},${y1} to ${x2},${y2}`)}`,
    );
  }
  say(`  ${dim(drawn)}`);
}

async function manyAtOnce(api, payload) {
  heading(`${CALLS_AT_ONCE} calls at once`);
  const line = liveLine();
  const many = await burst(api, payload, CALLS_AT_ONCE, ({ instances, done }) => {
    line.show(
      `  ${bold(String(instances).padStart(3))} instances ${'▪'.repeat(instances)}  ${dim(`${done} of ${CALLS_AT_ONCE} answered`)}`,
    );
  });
  line.end();
  fact(
    'all answered in',
    `${many.seconds.toFixed(2)} s`,
    `${many.coldStarts} of them by a new instance; ${many.peak} instances at the peak`,
  );
  return many;
}

async function showBill(api, sinceMs, calls) {
  heading('The bill');
  const { total, alwaysOn, currency } = await bill(api, sinceMs, calls);
  fact('invocations', total.invocations, `${total.coldStarts} cold starts, ${total.errors} errors`);
  fact('billed', `${total.billedMs} ms`, `${total.gbSeconds} GB-seconds`);
  fact('cost', Number(total.cost).toFixed(6), `${currency}, at AWS Lambda's prices; while idle: nothing`);
  fact('a machine kept on', Number(alwaysOn.costPerHour).toFixed(4), `${currency} an hour, busy or not`);
  return { billedMs: total.billedMs, cost: total.cost };
}

/** All that is shown; returns the object that --json prints. */
async function show(api, endpoint) {
  const sinceMs = Date.now();
  await deploy(api, endpoint);
  const payload = JSON.stringify({ image: readFileSync(PICTURE).toString('base64') });

  heading('From zero');
  await evict(api, 'snapshot');
  await scaleToZero(api);
  const cold = await coldCall(api, payload);
  fact('first call', ms(cold.ms), `from ${cold.rung}: ${ms(cold.startMs)} until there was an instance, the rest is the detector's`);
  const warm = await warmCalls(api, payload, WARM_CALLS);
  fact('warm call', ms(warm.ms), `median of ${WARM_CALLS}; ${ms(warm.answer.timings.inferenceMs)} of it is the model`);

  await showDetections(cold.answer);
  const many = await manyAtOnce(api, payload);

  heading('Back to zero');
  const seconds = await scaleToZero(api);
  fact('instances left', 0, `after ${seconds.toFixed(1)} s; the snapshot stays for the next first call`);
  await evict(api, 'disk');
  const disk = await coldCall(api, payload);
  fact('without the snapshot', ms(disk.ms), `from ${disk.rung}: what a first call costs where nothing is kept`);

  const { billedMs, cost } = await showBill(api, sinceMs, 1 + WARM_CALLS + CALLS_AT_ONCE + 1);
  const round = (value) => Math.round(value * 100) / 100;
  return {
    detections: cold.answer.objects,
    coldMs: round(cold.ms),
    coldRung: cold.rung,
    warmMs: round(warm.ms),
    diskMs: round(disk.ms),
    peakInstances: many.peak,
    billedMs,
    cost,
  };
}

function whatNext(endpoint) {
  heading(`Hearth is still up at ${endpoint}`);
  const next = [
    `curl --data-binary @examples/pictures/astronaut.png ${endpoint}/fn/detect/`,
    `HEARTH_HOME=${HOME} bin/hearth ps`,
    `HEARTH_HOME=${HOME} bin/hearth logs detect -f`,
    `HEARTH_HOME=${HOME} bin/hearth usage`,
  ];
  for (const command of next) say(`  ${command}`);
  say(`  ${dim('and when you have seen enough:')}`);
  say(`  HEARTH_HOME=${HOME} bin/hearth down`);
}

const endServer = () => hearth(['down'], { home: HOME });

/** Ctrl-C ends the demo as an error does: in order, with nothing left running. */
const interrupted = new Promise((_, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => reject(new Error(`ended by ${signal}`)));
});
interrupted.catch(() => {}); // it may come before anyone listens

async function main({ keep }) {
  say(bold('Hearth: a detector, from nothing to the bill'));
  await ensure();
  prepareModel({ say: (text) => say(`  ${dim(text)}`) });
  mkdirSync(HOME, { recursive: true });
  const held = await lock(join(ROOT, '.hearth-demo', 'lock'), (pid) => say(`  waiting for another demo (process ${pid})`));
  let kept = false;
  try {
    await endServer(); // one that an earlier --keep left
    const { endpoint } = await hearth(['up', '--detach', '--no-deploy', '--port', '0'], { home: HOME });
    const api = new Api(endpoint, await hearth(['keys', 'env'], { home: HOME }));
    const result = await Promise.race([show(api, endpoint), interrupted]).finally(() => api.close());
    kept = keep;
    if (keep) whatNext(endpoint);
    return result;
  } finally {
    // What went wrong before matters more than what goes wrong here.
    if (!kept) await endServer().catch((error) => process.stderr.write(`\n${error.message}\n`));
    held.release();
  }
}

function wanted() {
  try {
    return parseArgs({ options: { json: { type: 'boolean', default: false }, keep: { type: 'boolean', default: false } } }).values;
  } catch (error) {
    const usage = 'npm run demo [-- --keep] [-- --json]: --keep leaves the server up, --json prints the figures as JSON';
    process.stderr.write(`${error.message.split('\n')[0]}\n${usage}\n`);
    return process.exit(2);
  }
}

const values = wanted();
main(values).then(
  (result) => {
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  },
  (error) => {
    process.stderr.write(`\nthe demo failed: ${error.message}\n${error.fix ? `fix: ${error.fix}\n` : ''}`);
    process.exit(1);
  },
);
