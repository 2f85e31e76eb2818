#!/usr/bin/env node
/**
 * Makes models/centernet.onnx: `node convert.mjs [--force]`. Does nothing when the model is there.
 *
 * The weights ship inside the npm package @vladmandic/human (MIT), so whoever reaches npm has them. `npm pack` fetches the
 * package without installing it; its digest is checked, two files are taken out, and convert/centernet.mjs translates them.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convert } from './convert/centernet.mjs';
import { readTarball } from './convert/tarball.mjs';

const PACKAGE = '@vladmandic/human@3.3.6';
const SHA512 = 'Nr5mPfq1gQ+uKeXY5uM3Fj8UxvF5CEh2s6txM5wRThqaW0mF9huooOuZSrT8hhGho0hGaXLFdAwfD/2+teCv6A==';
const GRAPH = 'package/models/centernet.json';
const WEIGHTS = 'package/models/centernet.bin';

/** The function folders that carry the model; the first is where it is made. */
const FOLDERS = ['./', '../detect-python/'].map((folder) => fileURLToPath(new URL(folder, import.meta.url)));
const modelIn = (folder) => join(folder, 'models', 'centernet.onnx');

/** Writes beside the target first: a file that is there is whole, also when two do this at once or one is killed. */
function put(path, write) {
  mkdirSync(join(path, '..'), { recursive: true });
  const unfinished = `${path}.${process.pid}.part`;
  try {
    write(unfinished);
    renameSync(unfinished, path);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** Fetches the package (28 MB; npm caches it) and returns the two files of the detector. */
function fetchWeights() {
  const folder = mkdtempSync(join(tmpdir(), 'centernet-'));
  try {
    const options = { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' };
    const packed = execFileSync('npm', ['pack', PACKAGE, '--silent'], options).trim().split('\n').at(-1);
    const tarball = readFileSync(join(folder, packed));
    const digest = createHash('sha512').update(tarball).digest('base64');
    if (digest !== SHA512) throw new Error(`${PACKAGE} has digest ${digest}, expected ${SHA512}: not the package this script knows`);
    return readTarball(tarball, [GRAPH, WEIGHTS]);
  } catch (error) {
    const output = error.stderr ? `\n${error.stderr}` : '';
    throw new Error(`cannot get the detector's weights from npm (${PACKAGE}): ${error.message}${output}`, { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes the model where it is missing. Returns its path. */
export function prepareModel({ force = false, say = () => {} } = {}) {
  const [first, ...others] = FOLDERS.map(modelIn);
  if (force || !existsSync(first)) {
    say(`fetching ${PACKAGE}`);
    const files = fetchWeights();
    const onnx = convert(JSON.parse(files.get(GRAPH).toString()), files.get(WEIGHTS));
    put(first, (path) => writeFileSync(path, onnx));
    say(`${first}: ${(onnx.length / 1e6).toFixed(1)} MB`);
  }
  for (const other of others) {
    if (force || !existsSync(other)) put(other, (path) => copyFileSync(first, path));
  }
  return first;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    let said = false;
    const say = (line) => {
      said = true;
      console.log(line);
    };
    const path = prepareModel({ force: process.argv.includes('--force'), say });
    if (!said) console.log(`${path} is there already (--force makes it again)`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
